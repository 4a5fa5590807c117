"""A small clip with distinguishable frames and samples."""

from collections.abc import Callable

import numpy as np
import pytest

from avsync.types import Clip
from avsync.units import CROP_PIXELS, SAMPLES_PER_FRAME

ROOM_LEVEL, SPEECH_LEVEL = 100, 5_000


@pytest.fixture
def talking_clip() -> Callable[..., Clip]:
    """talking_clip(clip_id, num_frames=60, speech=slice(15, 50)); all pixels of frame i are i.

    The sound is room noise, and loud noise in the frames of `speech`.
    """
    return make_talking_clip


def make_talking_clip(
    clip_id: str = "real", *, num_frames: int = 60, speech: slice = slice(15, 50)
) -> Clip:
    level = np.full(num_frames, ROOM_LEVEL)
    level[speech] = SPEECH_LEVEL
    rng = np.random.default_rng(list(clip_id.encode()))
    noise = rng.uniform(-1, 1, num_frames * SAMPLES_PER_FRAME)
    frames = np.arange(num_frames, dtype=np.uint8)[:, None, None, None]
    return Clip(
        clip_id=clip_id,
        frames=np.broadcast_to(frames, (num_frames, CROP_PIXELS, CROP_PIXELS, 1)),
        waveform=(noise * np.repeat(level, SAMPLES_PER_FRAME)).astype(np.int16),
        identity="s1",
    )
