"""The supervised loss on logits that can be checked by eye."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from avsync.train.losses.supervised import supervised_nll


def logits(*in_sync: float) -> jax.Array:
    """One clip whose frames have these logits at "in sync" and nonsense at other offsets."""
    return jnp.full((1, len(in_sync), 3), 7.0).at[0, :, 1].set(jnp.array(in_sync))


ALL = jnp.ones((1, 2), bool)


@pytest.mark.parametrize("label", [0, 1])
def test_the_loss_is_the_cross_entropy_of_logits_minus_s_and_s(label):
    s = np.log(np.exp(0.5) + np.exp(-1.0))
    expected = -np.log(np.exp([-s, s])[label] / np.exp([-s, s]).sum())
    found = supervised_nll(logits(0.5, -1.0), ALL, jnp.array([label]))
    assert float(found[0]) == pytest.approx(expected, rel=1e-5)


def test_padding_frames_and_rows_do_not_change_the_loss():
    valid = jnp.array([[True, True, False]])
    padded = supervised_nll(logits(0.5, -1.0, 50.0), valid, jnp.array([0]))
    alone = supervised_nll(logits(0.5, -1.0), ALL, jnp.array([0]))
    np.testing.assert_allclose(padded, alone, rtol=1e-6)
    empty = jnp.zeros((2, 2), bool)

    def loss(x: jax.Array) -> jax.Array:
        return supervised_nll(jnp.tile(x, (2, 1, 1)), empty, jnp.array([0, 1])).sum()

    assert loss(logits(1.0, 2.0)) == 0
    assert (jax.grad(loss)(logits(1.0, 2.0)) == 0).all()
