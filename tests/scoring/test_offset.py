"""Offsets of clips too short for all candidates: right where there is evidence, else chance."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from avsync import scoring

REACH, NUM_OFFSETS = 15, 31
BEYOND = -1e9  # the logit of a candidate beyond the clip, as `Aligner` masks it

# Compiled whole, as their callers use them: op by op, the tests take three times as long.
clip_offset = jax.jit(scoring.clip_offset)
offset_margin = jax.jit(scoring.offset_margin)
offset_support = jax.jit(scoring.offset_support)
offset_evidence = jax.jit(scoring.offset_evidence)
realigned = jax.jit(scoring.realigned)


def clip_logits(rng: np.random.Generator, *, num_clips: int, num_frames: int) -> jax.Array:
    """Random logits of clips, masked at both ends."""
    logits = 2 * rng.normal(size=(num_clips, num_frames, NUM_OFFSETS)).astype(np.float32)
    sound = np.arange(num_frames)[:, None] + np.arange(-REACH, REACH + 1)
    return jnp.where((sound >= 0) & (sound < num_frames), logits, BEYOND)


def everywhere(logits: jax.Array) -> jax.Array:
    return jnp.ones(logits.shape[:2], bool)


@pytest.mark.parametrize("num_frames", [25, 28, 30, 33, 38, 60])
def test_random_logits_have_random_offsets(num_frames):
    logits = clip_logits(np.random.default_rng(0), num_clips=2000, num_frames=num_frames)
    offsets = np.asarray(clip_offset(logits, everywhere(logits)))
    reach = min(REACH, (num_frames - 8) // 2)
    number = np.bincount(offsets + REACH, minlength=NUM_OFFSETS)
    assert number[REACH - reach : REACH + reach + 1].sum() == 2000
    # Each is drawn by 2000 / 17 to 2000 / 31 clips: within 5 standard deviations of that.
    expected = 2000 / (2 * reach + 1)
    inside = number[REACH - reach : REACH + reach + 1]
    assert np.abs(inside - expected).max() < 5 * np.sqrt(expected)


@pytest.mark.parametrize("offset", [-8, -3, 0, 5, 8])
def test_a_clip_of_one_second_is_searched_within_eight_frames(offset):
    logits = clip_logits(np.random.default_rng(1), num_clips=3, num_frames=25)
    logits = logits.at[:, :, REACH + offset].add(6)
    valid = everywhere(logits)
    assert scoring.offset_is_measured(valid, REACH).all()
    assert scoring.offset_reach(valid.sum(axis=1), REACH).tolist() == [8] * 3
    assert clip_offset(logits, valid).tolist() == [offset] * 3
    margin = np.asarray(offset_margin(logits, valid))
    assert ((margin > 1) == (offset != 0)).all()


def test_padding_changes_neither_offset_nor_margin_nor_evidence():
    logits = clip_logits(np.random.default_rng(2), num_clips=4, num_frames=27)
    padded = jnp.pad(logits, ((0, 0), (0, 13), (0, 0)))
    valid = jnp.broadcast_to(jnp.arange(40) < 27, (4, 40))
    for measure in (clip_offset, offset_margin, offset_support):
        short, long = measure(logits, everywhere(logits)), measure(padded, valid)
        np.testing.assert_allclose(short, long, atol=1e-5)
    evidence = np.asarray(offset_evidence(padded, valid))
    np.testing.assert_allclose(
        evidence[:, :27], offset_evidence(logits, everywhere(logits)), atol=1e-5
    )
    assert not evidence[:, 27:].any()


def test_an_offset_beyond_the_reach_never_wins_and_is_never_better_than_the_others():
    logits = clip_logits(np.random.default_rng(3), num_clips=5, num_frames=25)
    evidence = np.asarray(offset_evidence(logits, everywhere(logits)))
    within = evidence[..., REACH - 8 : REACH + 9]
    assert (evidence.min(axis=-1) == within.min(axis=-1)).all()


@pytest.mark.parametrize(
    ("num_frames", "reach", "is_measured"),
    [(0, 15, False), (17, 15, False), (18, 15, True), (11, 2, False), (12, 2, True)],
)
def test_a_clip_too_short_to_be_searched_has_no_offset(num_frames, reach, is_measured):
    valid = jnp.arange(40)[None] < num_frames
    assert scoring.offset_is_measured(valid, reach).tolist() == [is_measured]


def test_a_clip_without_a_reach_stays_where_it_is():
    logits = clip_logits(np.random.default_rng(4), num_clips=1, num_frames=5)
    assert clip_offset(logits, everywhere(logits)).tolist() == [0]
    moved, has_sound = realigned(logits, everywhere(logits))
    np.testing.assert_array_equal(moved, logits)
    assert has_sound.all()
