"""Replaces the sound by that of another clip."""

import numpy as np

from avsync.datasets.fabricate._fake_clip import make_fake
from avsync.types import Clip
from avsync.units import SAMPLES_PER_FRAME


def fabricate(clip: Clip, donor: Clip, rng: np.random.Generator) -> Clip:
    """Replaces the whole sound by that of `donor`; the longer of the two is cut at its end.

    A shorter sound is not repeated, because the seam would give the fake away. Use donors of equal
    length, so that the length does not give it away either. Raises ValueError if the two are the
    same clip.
    """
    del rng  # not used
    if donor.clip_id == clip.clip_id:
        raise ValueError(
            f"clip {clip.clip_id}: a swap with its own sound is not a fake; use another donor"
        )
    num_frames = min(len(clip.frames), len(donor.frames))
    return make_fake(
        clip,
        manipulation="swap",
        category="RV-FA",
        segments=[slice(0, num_frames)],
        frames=clip.frames[:num_frames],
        waveform=donor.waveform[: num_frames * SAMPLES_PER_FRAME],
    )
