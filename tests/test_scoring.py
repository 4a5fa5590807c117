"""Scores and offsets on logits that can be checked by eye."""

import jax.numpy as jnp
import numpy as np
import pytest

from avsync import scoring

ALL = jnp.ones((1, 4), bool)


def test_a_frame_that_picks_its_own_sound_scores_lower_by_either_rule():
    picks = jnp.zeros((1, 1, 5)).at[..., 2].set(3.0)
    fails = jnp.zeros((1, 1, 5)).at[..., 0].set(3.0)
    for name in scoring.FRAME_SCORES:
        assert scoring.frame_scores(picks, name=name) < scoring.frame_scores(fails, name=name)


def test_the_papers_frame_score_is_minus_the_logit_in_sync():
    logits = jnp.arange(5.0).reshape(1, 1, 5)
    assert scoring.frame_scores(logits, name="logit")[0, 0] == -2


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        ("mean", 1.0),
        ("logsumexp", np.log(3 + np.exp(4.0))),
        ("logmeanexp", np.log((3 + np.exp(4.0)) / 4)),
    ],
)
def test_poolings_of_three_zeros_and_a_four(pooling, expected):
    scores = jnp.array([[0.0, 0.0, 4.0, 0.0]])
    assert scoring.clip_score(scores, ALL, pooling=pooling)[0] == pytest.approx(expected, rel=1e-5)


def test_a_clip_twice_as_long_gains_ln_2_by_logsumexp_and_nothing_by_logmeanexp():
    scores = jnp.array([[0.5, -1.0, 2.0, 0.0]])
    twice, valid = jnp.tile(scores, 2), jnp.ones((1, 8), bool)
    gain = {
        pooling: float(
            scoring.clip_score(twice, valid, pooling=pooling)[0]
            - scoring.clip_score(scores, ALL, pooling=pooling)[0]
        )
        for pooling in scoring.POOLINGS
    }
    assert gain["logsumexp"] == pytest.approx(np.log(2), abs=1e-5)
    assert gain["logmeanexp"] == pytest.approx(0, abs=1e-5)
    assert gain["mean"] == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("pooling", sorted(scoring.POOLINGS))
def test_a_clip_without_valid_frames_has_no_score(pooling):
    score = scoring.clip_score(jnp.zeros((1, 4)), jnp.zeros((1, 4), bool), pooling=pooling)
    assert np.isnan(score[0])


@pytest.mark.parametrize("offset", [-2, 0, 1])
def test_a_clip_whose_sound_comes_late_has_that_offset(offset):
    logits = jnp.zeros((1, 12, 5)).at[:, :, 2 + offset].set(1.0)
    assert scoring.clip_offset(logits, jnp.ones((1, 12), bool))[0] == offset


def test_a_clip_too_short_to_have_all_candidates_still_has_an_offset():
    logits = jnp.zeros((1, 3, 5)).at[:, :, 3].set(1.0)
    assert scoring.clip_offset(logits, jnp.ones((1, 3), bool))[0] == 1


def test_unknown_names_are_told_the_known_ones():
    with pytest.raises(ValueError, match="did you mean 'logmeanexp'"):
        scoring.clip_score(jnp.zeros((1, 4)), ALL, pooling="logmeanxp")
    with pytest.raises(ValueError, match="Known: logit, nll"):
        scoring.frame_scores(jnp.zeros((1, 4, 5)), name="x")
