"""A picture that stands still while the sound goes on speaking."""

import numpy as np

from avsync.datasets.fabricate._forgery import forgery, stretch_frames
from avsync.datasets.fabricate._speech import speech_stretch
from avsync.types import Clip


def fabricate(clip: Clip, donor: Clip, rng: np.random.Generator, *, seconds: float = 0.8) -> Clip:
    """One frame shown for `seconds` of speech; the sound is untouched.

    `CannotFabricate` if the clip has no such stretch of speech.
    """
    del donor  # nothing is borrowed
    stretch = speech_stretch(clip, stretch_frames(seconds), rng=rng)
    frames = clip.frames.copy()
    frames[stretch] = clip.frames[stretch.start]
    return forgery(
        clip,
        manipulation=f"freeze_{seconds:g}s",
        category="FV-RA",
        stretches=[stretch],
        frames=frames,
    )
