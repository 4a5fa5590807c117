"""Long clips in windows give what they give whole."""

import numpy as np
import pytest

from avsync.scoring.video.windows import (
    MARGIN_FRAMES,
    WINDOW_FRAMES,
    LongClip,
    offset_logits,
    windows,
)
from avsync.units import SAMPLES_PER_FRAME


def clip(num_frames: int) -> LongClip:
    """Frame i has pixel i mod 251, and its sound is i."""
    frames = (np.arange(num_frames) % 251).astype(np.uint8)
    frames = np.broadcast_to(frames[:, None, None, None], (num_frames, 2, 2, 1))
    waveform = np.repeat(np.arange(num_frames, dtype=np.int16), SAMPLES_PER_FRAME)
    return LongClip(num_frames, lambda first, end: frames[first:end], waveform)


def model(visual, audio, valid):
    """Logits that tell which picture, and which sound two frames later, a frame was given."""
    pixel = visual[..., 0, 0, 0].astype(float)
    sound = audio.reshape(*valid.shape, SAMPLES_PER_FRAME)[..., 0].astype(float)
    later = np.roll(sound, -2, axis=1)
    return np.where(valid[..., None], np.stack([pixel, sound, later], axis=-1), -1)


@pytest.mark.parametrize("num_frames", [1, 30, 750, 751, 1_400, 1_401, 3_000, 9_999])
def test_every_frame_is_taken_once_and_well_inside_its_window(num_frames):
    taken = []
    for window, kept in windows(num_frames):
        assert 0 <= window.start <= kept.start < kept.stop <= window.stop <= num_frames
        assert window.stop - window.start == min(num_frames, WINDOW_FRAMES)
        assert kept.start == 0 or kept.start - window.start >= MARGIN_FRAMES
        assert kept.stop == num_frames or window.stop - kept.stop >= MARGIN_FRAMES
        taken += range(kept.start, kept.stop)
    assert taken == list(range(num_frames))


@pytest.mark.parametrize("num_frames", [40, 750, 751, 2_000])
def test_windows_give_each_frame_its_own_picture_and_sound(num_frames):
    logits = offset_logits(clip(num_frames), model)
    frames = np.arange(num_frames)
    np.testing.assert_array_equal(logits[:, 0], frames % 251)
    np.testing.assert_array_equal(logits[:, 1], frames)
    np.testing.assert_array_equal(logits[:-2, 2], frames[2:])


@pytest.mark.parametrize(("num_frames", "lengths"), [(74, [74]), (112, [112]), (151, [75, 76])])
def test_pieces_are_about_as_long_as_asked_for_and_make_up_the_clip(num_frames, lengths):
    pieces = clip(num_frames).pieces(75)
    assert [piece.num_frames for piece in pieces] == lengths
    sound = np.concatenate([piece.waveform for piece in pieces])
    np.testing.assert_array_equal(sound, clip(num_frames).waveform)
    pixels = np.concatenate([piece.read(0, piece.num_frames) for piece in pieces])
    np.testing.assert_array_equal(pixels, clip(num_frames).read(0, num_frames))
