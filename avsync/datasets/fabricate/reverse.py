"""Plays the video backwards during speech."""

import numpy as np
from jaxtyping import UInt8

from avsync.datasets.fabricate._fake_clip import make_fake, segment_frames
from avsync.datasets.fabricate._speech import draw_speech_segment
from avsync.types import Clip


def fabricate(clip: Clip, donor: Clip, rng: np.random.Generator, *, seconds: float = 0.8) -> Clip:
    """Reverses `seconds` of video during speech; the sound is unchanged.

    Raises `CannotFabricate` if the clip has no such segment of speech.
    """
    del donor  # not used
    segment = draw_speech_segment(clip, segment_frames(seconds), rng=rng)
    return make_fake(
        clip,
        manipulation=f"reverse_{seconds:g}s",
        category="FV-RA",
        segments=[segment],
        frames=play_backwards(clip.frames, segment),
    )


def play_backwards(
    frames: UInt8[np.ndarray, "t h w c"], segment: slice
) -> UInt8[np.ndarray, "t h w c"]:
    """`frames` with those of `segment` in reverse order."""
    played = frames.copy()
    played[segment] = frames[segment][::-1]
    return played
