"""Scores and offsets on logits that can be checked by eye."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from avsync import scoring
from avsync.scoring.pooling import percentile

ALL = jnp.ones((1, 4), bool)

# Compiled whole, as their callers use them: op by op, the tests take three times as long.
clip_score = jax.jit(scoring.clip_score, static_argnames="pooling")
clip_offset = jax.jit(scoring.clip_offset)
cosine_max_shift = jax.jit(scoring.cosine_max_shift, static_argnames="reach_frames")
cosine_low_percentile = jax.jit(scoring.cosine_low_percentile)
offset_margin = jax.jit(scoring.offset_margin)
offset_support = jax.jit(scoring.offset_support)
realigned = jax.jit(scoring.realigned)


def test_a_frame_that_picks_its_own_sound_scores_lower_under_both_rules():
    picks = jnp.zeros((1, 1, 5)).at[..., 2].set(3.0)
    fails = jnp.zeros((1, 1, 5)).at[..., 0].set(3.0)
    for name in ("nll", "logit"):
        assert scoring.frame_scores(picks, name=name) < scoring.frame_scores(fails, name=name)


def test_the_frame_score_of_the_paper_is_minus_the_logit_at_offset_0():
    logits = jnp.arange(5.0).reshape(1, 1, 5)
    assert scoring.frame_scores(logits, name="logit")[0, 0] == -2


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        ("mean", 1.0),
        ("logsumexp", np.log(3 + np.exp(4.0))),
        ("logmeanexp", np.log((3 + np.exp(4.0)) / 4)),
        ("top_k", 1.0),  # all frames of a clip with fewer than ten
        ("percentile", np.percentile([0.0, 0.0, 4.0, 0.0], 95)),
        ("window", 1.0),
    ],
)
def test_each_pooling_of_three_zeros_and_a_four(pooling, expected):
    scores = jnp.array([[0.0, 0.0, 4.0, 0.0]])
    assert clip_score(scores, ALL, pooling=pooling)[0] == pytest.approx(expected, rel=1e-5)


def test_doubling_a_clip_adds_ln_2_to_logsumexp_and_nothing_to_logmeanexp():
    scores = jnp.array([[0.5, -1.0, 2.0, 0.0]])
    twice, valid = jnp.tile(scores, 2), jnp.ones((1, 8), bool)
    gain = {
        pooling: float(
            clip_score(twice, valid, pooling=pooling)[0]
            - clip_score(scores, ALL, pooling=pooling)[0]
        )
        for pooling in scoring.POOLINGS
    }
    assert gain["logsumexp"] == pytest.approx(np.log(2), abs=1e-5)
    assert gain["logmeanexp"] == pytest.approx(0, abs=1e-5)
    assert gain["mean"] == pytest.approx(0, abs=1e-5)


def test_top_k_takes_the_ten_highest_frames_and_window_the_highest_ten_in_a_row():
    scores = jnp.zeros((1, 60)).at[0, ::6].set(3.0).at[0, 20:30].set(2.0)
    valid = jnp.ones((1, 60), bool)
    worst = np.sort(np.asarray(scores[0]))[-10:].mean()
    assert clip_score(scores, valid, pooling="top_k")[0] == pytest.approx(worst)
    window = max(np.asarray(scores[0, i : i + 10]).mean() for i in range(51))
    assert clip_score(scores, valid, pooling="window")[0] == pytest.approx(window)


@pytest.mark.parametrize(
    ("pooling", "num_frames"),
    [
        *[(pooling, num_frames) for pooling in sorted(scoring.POOLINGS) for num_frames in (1, 37)],
        # Around the ten frames that these take.
        *[(pooling, num_frames) for pooling in ("top_k", "window") for num_frames in (9, 10, 11)],
    ],
)
def test_padding_changes_no_pooled_score(pooling, num_frames):
    scores = jnp.asarray(np.random.default_rng(num_frames).normal(size=(1, num_frames)))
    alone = clip_score(scores, jnp.ones((1, num_frames), bool), pooling=pooling)
    padded = jnp.pad(scores, ((0, 0), (0, 20)), constant_values=9.0)
    valid = jnp.arange(num_frames + 20)[None] < num_frames
    found = clip_score(padded, valid, pooling=pooling)
    np.testing.assert_allclose(found, alone, atol=1e-5)


@pytest.mark.parametrize("q", [0.0, 3.0, 50.0, 95.0, 100.0])
def test_percentile_agrees_with_numpy(q):
    values = np.random.default_rng(0).normal(size=(3, 20)).astype(np.float32)
    valid = np.arange(20)[None] < np.array([[20], [7], [1]])
    ours = percentile(jnp.asarray(values), jnp.asarray(valid), q)
    for row, own, value in zip(values, valid, ours, strict=True):
        assert value == pytest.approx(np.percentile(row[own], q), abs=1e-5)


@pytest.mark.parametrize("pooling", sorted(scoring.POOLINGS))
def test_a_clip_without_valid_frames_has_no_score(pooling):
    score = clip_score(jnp.zeros((1, 4)), jnp.zeros((1, 4), bool), pooling=pooling)
    assert np.isnan(score[0])


@pytest.mark.parametrize("offset", [-2, 0, 1])
def test_the_offset_of_a_clip_is_where_its_logits_peak(offset):
    logits = jnp.zeros((1, 12, 5)).at[:, :, 2 + offset].set(1.0)
    assert clip_offset(logits, jnp.ones((1, 12), bool))[0] == offset


@pytest.mark.parametrize("offset", [-2, 0, 1])
def test_a_realigned_clip_has_the_logits_of_a_clip_in_sync(offset):
    logits = jnp.zeros((1, 12, 5)).at[:, :, 2 + offset].set(5.0)
    in_sync = jnp.zeros((1, 12, 5)).at[:, :, 2].set(5.0)
    logits, has_sound = realigned(logits, jnp.ones((1, 12), bool))
    np.testing.assert_array_equal(logits, in_sync)
    # Frames whose sound lies beyond the clip at that offset are not valid.
    expected = [0 <= t + offset < 12 for t in range(12)]
    assert has_sound[0].tolist() == expected


def test_cosine_scores_find_a_shift_and_spliced_frames():
    random = np.random.default_rng(0)
    audio = jnp.asarray(random.normal(size=(1, 60, 16)), jnp.float32)
    visual = jnp.roll(audio, -3, axis=1)  # video frame t belongs to sound t + 3
    valid = jnp.ones((1, 60), bool).at[0, 57:].set(False)
    aligned = cosine_max_shift(audio, audio, valid, reach_frames=5)
    shifted = cosine_max_shift(visual, audio, valid, reach_frames=5)
    assert aligned[0] == pytest.approx(-1, abs=1e-5)
    assert shifted[0] == pytest.approx(-1, abs=1e-5)
    assert cosine_max_shift(visual, audio, valid, reach_frames=2)[0] > -0.5
    spliced = audio.at[0, 10:14].multiply(-1)
    assert cosine_low_percentile(spliced, audio, valid)[0] == pytest.approx(1, abs=1e-4)
    assert cosine_low_percentile(audio, audio, valid)[0] == pytest.approx(-1, abs=1e-5)


def test_padding_changes_no_cosine_score():
    random = np.random.default_rng(1)
    visual, audio = (jnp.asarray(random.normal(size=(1, 30, 8)), jnp.float32) for _ in range(2))
    margin = ((0, 0), (0, 12), (0, 0))
    valid = jnp.arange(42)[None] < 30
    longer = [jnp.pad(x, margin, constant_values=7.0) for x in (visual, audio)]
    for score in (
        functools.partial(cosine_max_shift, reach_frames=15),
        cosine_low_percentile,
    ):
        alone = score(visual, audio, jnp.ones((1, 30), bool))
        assert score(*longer, valid)[0] == pytest.approx(float(alone[0]), abs=1e-5)


def test_an_unknown_name_is_an_error_that_lists_the_known_ones():
    with pytest.raises(ValueError, match="did you mean 'logmeanexp'"):
        clip_score(jnp.zeros((1, 4)), ALL, pooling="logmeanxp")
    with pytest.raises(ValueError, match="Known: fake_logit, logit, near_nll, nll"):
        scoring.frame_scores(jnp.zeros((1, 4, 5)), name="x")


def test_a_clip_that_fits_only_one_offset_gives_it_all_the_support():
    logits = np.full((1, 12, 5), -9.0, np.float32)
    logits[..., 3] = 9.0
    support = offset_support(jnp.asarray(logits), jnp.ones((1, 12), bool))
    np.testing.assert_allclose(support, [[-18, -18, -18, 0, -18]], atol=1e-5)


def test_the_offset_margin_is_how_much_better_the_best_offset_fits_than_0():
    logits = np.zeros((2, 12, 5), np.float32)
    logits[0, :, 4] = 3.0  # two frames late; the other clip has no preference
    valid = jnp.ones((2, 12), bool)
    np.testing.assert_allclose(offset_margin(jnp.asarray(logits), valid), [3, 0], atol=1e-5)
    assert offset_margin(jnp.asarray(logits), ~valid).tolist() == [0, 0]
