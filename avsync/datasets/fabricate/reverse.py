"""A picture that runs backwards while the sound goes on speaking."""

import numpy as np
from jaxtyping import UInt8

from avsync.datasets.fabricate._forgery import forgery, stretch_frames
from avsync.datasets.fabricate._speech import speech_stretch
from avsync.types import Clip


def fabricate(clip: Clip, donor: Clip, rng: np.random.Generator, *, seconds: float = 0.8) -> Clip:
    """`seconds` of the picture played backwards during speech; the sound is untouched.

    `CannotFabricate` if the clip has no such stretch of speech.
    """
    del donor  # nothing is borrowed
    stretch = speech_stretch(clip, stretch_frames(seconds), rng=rng)
    return forgery(
        clip,
        manipulation=f"reverse_{seconds:g}s",
        category="FV-RA",
        stretches=[stretch],
        frames=play_backwards(clip.frames, stretch),
    )


def play_backwards(
    frames: UInt8[np.ndarray, "t h w c"], stretch: slice
) -> UInt8[np.ndarray, "t h w c"]:
    """`frames` with those of `stretch` in the opposite order."""
    played = frames.copy()
    played[stretch] = frames[stretch][::-1]
    return played
