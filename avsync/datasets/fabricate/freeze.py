"""Freezes the video during speech."""

import numpy as np

from avsync.datasets.fabricate._fake_clip import make_fake, segment_frames
from avsync.datasets.fabricate._speech import draw_speech_segment
from avsync.types import Clip


def fabricate(clip: Clip, donor: Clip, rng: np.random.Generator, *, seconds: float = 0.8) -> Clip:
    """Repeats one frame for `seconds` of speech; the sound is unchanged.

    Raises `CannotFabricate` if the clip has no such segment of speech.
    """
    del donor  # not used
    segment = draw_speech_segment(clip, segment_frames(seconds), rng=rng)
    frames = clip.frames.copy()
    frames[segment] = clip.frames[segment.start]
    return make_fake(
        clip,
        manipulation=f"freeze_{seconds:g}s",
        category="FV-RA",
        segments=[segment],
        frames=frames,
    )
