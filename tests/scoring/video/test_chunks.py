"""A long clip in chunks gives the logits of the whole clip, or nearly those with attention."""

import numpy as np
import pytest

from avsync.scoring.video.chunks import (
    ATTENTION,
    CONVOLUTIONS,
    ChunkSize,
    chunk_size,
    chunks,
    offset_logits,
)
from avsync.types import Context
from avsync.units import SAMPLES_PER_FRAME
from tests.scoring.video.test_long_clip import numbered_clip


def model(visual, audio, valid):
    """Logits that repeat the pixel, the sound, and the sound two frames later; its embeddings are
    the pixel and the sound."""
    pixel = visual[..., 0, 0, 0].astype(float)
    sound = audio.reshape(*valid.shape, SAMPLES_PER_FRAME)[..., 0].astype(float)
    later = np.roll(sound, -2, axis=1)
    logits = np.where(valid[..., None], np.stack([pixel, sound, later], axis=-1), -1)
    return logits, pixel[..., None], sound[..., None]


@pytest.mark.parametrize("num_frames", [1, 30, 750, 751, 1_400, 1_401, 3_000, 9_999])
@pytest.mark.parametrize("size", [CONVOLUTIONS, ATTENTION, ChunkSize(30, margin_frames=7)])
def test_every_frame_is_used_once_and_lies_well_inside_its_chunk(num_frames, size):
    taken = []
    for chunk, used in chunks(num_frames, size):
        assert 0 <= chunk.start <= used.start < used.stop <= chunk.stop <= num_frames
        assert chunk.stop - chunk.start == min(num_frames, size.num_frames)
        assert used.start == 0 or used.start - chunk.start >= size.margin_frames
        assert used.stop == num_frames or chunk.stop - used.stop >= size.margin_frames
        taken += range(used.start, used.stop)
    assert taken == list(range(num_frames))


@pytest.mark.parametrize(
    ("reach_frames", "is_whole_clip", "size"),
    [
        (19, False, CONVOLUTIONS),
        (81, True, ATTENTION),
        (60, False, ChunkSize(750, margin_frames=60)),
        (400, False, ChunkSize(1_600, margin_frames=400)),
        (500, True, ChunkSize(2_000, margin_frames=500)),
    ],
)
def test_margins_cover_what_convolutions_reach(reach_frames, is_whole_clip, size):
    assert chunk_size(Context(reach_frames, is_whole_clip)) == size


def test_the_progress_counts_the_frames_that_have_their_logits():
    calls = []
    size = ChunkSize(30, margin_frames=5)
    offset_logits(numbered_clip(60), model, size=size, advance=calls.append)
    assert calls == [25, 45, 60]


@pytest.mark.parametrize("num_frames", [40, 750, 751, 2_000])
def test_each_frame_gets_its_own_picture_and_sound(num_frames):
    clip = numbered_clip(num_frames)
    logits = offset_logits(clip, model, size=CONVOLUTIONS, advance=lambda done: None)
    frames = np.arange(num_frames)
    np.testing.assert_array_equal(logits[:, 0], frames % 251)
    np.testing.assert_array_equal(logits[:, 1], frames)
    np.testing.assert_array_equal(logits[:-2, 2], frames[2:])


def test_the_embeddings_of_each_frame_are_seen_once():
    seen = []

    def observe(first: int, *embeddings: np.ndarray) -> None:
        assert first == sum(len(pixels) for pixels, _ in seen)
        seen.append(embeddings)

    size = ChunkSize(30, margin_frames=5)
    offset_logits(numbered_clip(60), model, size=size, advance=lambda done: None, observe=observe)
    pixels, sounds = (np.concatenate(parts)[:, 0] for parts in zip(*seen, strict=True))
    np.testing.assert_array_equal(pixels, np.arange(60))
    np.testing.assert_array_equal(sounds, np.arange(60))
