"""The joint loss on logits that can be checked by eye."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from avsync.train.losses import alignment
from avsync.train.losses.pseudo_fake import clip_nll, frame_nll, make_objective
from avsync.types import Batch

ALL = jnp.ones((1, 2), bool)


def logits(*in_sync: float) -> jax.Array:
    """One clip whose frames have these logits at "in sync" and zeros at other offsets."""
    return jnp.zeros((1, len(in_sync), 3)).at[0, :, 1].set(jnp.array(in_sync))


def batch(loss_mask, forged) -> Batch:
    valid = jnp.ones((2, 2), bool)
    return Batch(None, None, valid, jnp.array(loss_mask), jnp.zeros(2, jnp.int32), forged)


def test_a_frame_costs_the_cross_entropy_of_its_logit_with_the_other_sign():
    found = frame_nll(logits(2.0, -1.0), ALL, jnp.array([[0.0, 1.0]]))
    np.testing.assert_allclose(found[0], np.log1p(np.exp([-2.0, -1.0])), rtol=1e-5)


@pytest.mark.parametrize("forged", [[0.0, 0.0], [0.0, 0.3]])
def test_a_clip_is_a_pseudo_fake_if_one_of_its_frames_is_forged_at_all(forged):
    score = np.log(np.mean(np.exp([-2.0, 1.0])))
    expected = np.log1p(np.exp(-score if any(forged) else score))
    found = clip_nll(logits(2.0, -1.0), ALL, jnp.array([forged]))
    assert float(found[0]) == pytest.approx(expected, rel=1e-5)


def test_without_pseudo_fakes_it_is_the_alignment_loss():
    objective = make_objective(clip_weight=1.0, frame_weight=1.0)
    both = jnp.concatenate([logits(2.0, -1.0), logits(0.5, 0.0)])
    unchanged = batch([[True, True], [True, False]], None)
    assert objective.total(both, unchanged) == alignment.objective.total(both, unchanged)
    assert objective.is_real_only


def test_changed_clips_are_judged_and_the_others_aligned():
    aligned, judged = logits(2.0, -1.0), logits(0.5, -3.0)
    forged = jnp.array([[0.0, 0.0], [0.0, 1.0]])
    changed = batch([[True, True], [False, False]], forged)
    objective = make_objective(clip_weight=2.0, frame_weight=3.0)
    expected = (
        alignment.alignment_nll(aligned, ALL).sum()
        + 2.0 * 2 * clip_nll(judged, ALL, forged[1:]).sum()
        + 3.0 * frame_nll(judged, ALL, forged[1:]).sum()
    )
    found = objective.total(jnp.concatenate([aligned, judged]), changed)
    assert float(found) == pytest.approx(float(expected), rel=1e-6)
    assert objective.num_terms(changed) == 4


def test_rows_of_padding_and_rows_in_the_loss_have_a_finite_gradient():
    none = Batch(
        None, None, *[jnp.zeros((1, 2), bool)] * 2, jnp.zeros(1, jnp.int32), jnp.zeros((1, 2))
    )
    objective = make_objective(clip_weight=1.0, frame_weight=1.0)
    total, gradient = jax.value_and_grad(objective.total)(logits(1.0, 2.0), none)
    assert total == 0
    assert (gradient == 0).all()


def test_negative_weights_are_refused():
    with pytest.raises(ValueError, match=r"pseudo_fakes.clip_weight must not be negative, got -1"):
        make_objective(clip_weight=-1.0, frame_weight=1.0)
