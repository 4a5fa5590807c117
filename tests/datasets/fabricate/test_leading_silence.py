"""Planted leading silence: both streams are delayed, and nothing else changes."""

import numpy as np
import pytest

from avsync.datasets.fabricate import leading_silence, splice


def test_silence_is_prepended_and_the_first_frame_repeated(talking_clip):
    real = talking_clip("real")
    planted = leading_silence.plant(real, frames=2)
    assert list(planted.frames[:4, 0, 0, 0]) == [0, 0, 0, 1]
    np.testing.assert_array_equal(planted.waveform[: 2 * 640], 0)
    # The rest is the original clip, still in sync.
    np.testing.assert_array_equal(planted.frames[2:], real.frames)
    np.testing.assert_array_equal(planted.waveform[2 * 640 :], real.waveform)


def test_fake_segments_are_delayed_with_the_sound(talking_clip):
    fake = splice.fabricate(talking_clip("a"), talking_clip("b"), np.random.default_rng(0))
    planted = leading_silence.plant(fake)
    ((start, end),) = fake.fake_segments
    np.testing.assert_allclose(planted.fake_segments, [(start + 0.04, end + 0.04)])


def test_silence_is_not_a_manipulation(talking_clip):
    real = talking_clip("real")
    planted = leading_silence.plant(real)
    assert planted.clip_id == "real+silence"
    changed = {"clip_id", "frames", "waveform"}
    before, after = (
        {name: value for name, value in vars(clip).items() if name not in changed}
        for clip in (real, planted)
    )
    assert after == before


def test_zero_frames_of_silence_are_refused(talking_clip):
    with pytest.raises(ValueError, match="clip real: 0 frames of silence; use at least 1"):
        leading_silence.plant(talking_clip("real"), frames=0)
