"""The planted shortcut: silence that trimming removes without a trace."""

import numpy as np
import pytest

from avsync.datasets.fabricate import leading_silence, splice


def test_silence_goes_before_the_sound_and_the_first_frame_stands_still(talking_clip):
    real = talking_clip("real")
    planted = leading_silence.plant(real, frames=2)
    assert list(planted.frames[:4, 0, 0, 0]) == [0, 0, 0, 1]
    np.testing.assert_array_equal(planted.waveform[: 2 * 640], 0)
    # What follows is the clip as it was, sound and picture still in step.
    np.testing.assert_array_equal(planted.frames[2:], real.frames)
    np.testing.assert_array_equal(planted.waveform[2 * 640 :], real.waveform)


def test_forged_stretches_move_with_the_sound(talking_clip):
    fake = splice.fabricate(talking_clip("a"), talking_clip("b"), np.random.default_rng(0))
    planted = leading_silence.plant(fake)
    ((start, end),) = fake.fake_segments
    np.testing.assert_allclose(planted.fake_segments, [(start + 0.04, end + 0.04)])


def test_silence_is_no_manipulation(talking_clip):
    real = talking_clip("real")
    planted = leading_silence.plant(real)
    assert planted.clip_id == "real+silence"
    assert planted.replace(clip_id="", frames=real.frames, waveform=real.waveform) == real.replace(
        clip_id=""
    )


def test_silence_of_no_frame_is_refused(talking_clip):
    with pytest.raises(ValueError, match="clip real: 0 frames of silence; give at least 1"):
        leading_silence.plant(talking_clip("real"), frames=0)
