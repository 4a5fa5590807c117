"""The loss on logits that can be checked by eye."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from avsync.train.losses.alignment import alignment_nll

VALID = jnp.ones((1, 3), bool)


def test_equal_logits_cost_the_logarithm_of_the_number_of_candidates():
    nll = alignment_nll(jnp.zeros((1, 3, 31)), VALID)
    assert nll[0] == pytest.approx(3 * np.log(31), rel=1e-6)


def test_late_sound_costs_more_than_sound_in_time():
    in_time = jnp.zeros((1, 3, 5)).at[..., 2].set(4.0)
    late = jnp.zeros((1, 3, 5)).at[..., 3].set(4.0)
    assert alignment_nll(in_time, VALID)[0] < alignment_nll(late, VALID)[0]


def test_invalid_frames_cost_nothing_and_have_no_gradient():
    valid = jnp.array([[True, True, False]])
    logits = jnp.asarray(np.random.default_rng(0).normal(size=(1, 3, 5)), jnp.float32)
    gradient = jax.grad(lambda x: alignment_nll(x, valid).sum())(logits)
    assert alignment_nll(logits, valid)[0] == pytest.approx(
        float(alignment_nll(logits[:, :2], valid[:, :2])[0])
    )
    assert (gradient[0, 2] == 0).all()
    assert (gradient[0, :2] != 0).all()
