"""A long clip in chunks gives the logits of the whole clip."""

import numpy as np
import pytest

from avsync.scoring.video.chunks import CHUNK_FRAMES, MARGIN_FRAMES, chunks, offset_logits
from avsync.units import SAMPLES_PER_FRAME
from tests.scoring.video.test_long_clip import numbered_clip


def model(visual, audio, valid):
    """Logits that repeat the pixel, the sound, and the sound two frames later."""
    pixel = visual[..., 0, 0, 0].astype(float)
    sound = audio.reshape(*valid.shape, SAMPLES_PER_FRAME)[..., 0].astype(float)
    later = np.roll(sound, -2, axis=1)
    return np.where(valid[..., None], np.stack([pixel, sound, later], axis=-1), -1)


@pytest.mark.parametrize("num_frames", [1, 30, 750, 751, 1_400, 1_401, 3_000, 9_999])
def test_every_frame_is_used_once_and_lies_well_inside_its_chunk(num_frames):
    taken = []
    for chunk, used in chunks(num_frames):
        assert 0 <= chunk.start <= used.start < used.stop <= chunk.stop <= num_frames
        assert chunk.stop - chunk.start == min(num_frames, CHUNK_FRAMES)
        assert used.start == 0 or used.start - chunk.start >= MARGIN_FRAMES
        assert used.stop == num_frames or chunk.stop - used.stop >= MARGIN_FRAMES
        taken += range(used.start, used.stop)
    assert taken == list(range(num_frames))


@pytest.mark.parametrize("num_frames", [40, 750, 751, 2_000])
def test_each_frame_gets_its_own_picture_and_sound(num_frames):
    logits = offset_logits(numbered_clip(num_frames), model)
    frames = np.arange(num_frames)
    np.testing.assert_array_equal(logits[:, 0], frames % 251)
    np.testing.assert_array_equal(logits[:, 1], frames)
    np.testing.assert_array_equal(logits[:-2, 2], frames[2:])
