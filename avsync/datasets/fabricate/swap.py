"""The sound of another clip under the picture of this one."""

import numpy as np

from avsync.datasets.fabricate._forgery import forgery
from avsync.types import Clip
from avsync.units import SAMPLES_PER_FRAME


def fabricate(clip: Clip, donor: Clip, rng: np.random.Generator) -> Clip:
    """All of `clip`'s sound replaced by `donor`'s; the longer of the two is cut at its end.

    Nothing is repeated to fill up, for a seam in the sound would give the fake away. Donors as
    long as their clips keep the length of a fake from giving it away. ValueError if the two are
    the same clip.
    """
    del rng  # nothing is left to chance
    if donor.clip_id == clip.clip_id:
        raise ValueError(f"clip {clip.clip_id}: a swap with its own sound is no fake; give another")
    num_frames = min(len(clip.frames), len(donor.frames))
    return forgery(
        clip,
        manipulation="swap",
        category="RV-FA",
        stretches=[slice(0, num_frames)],
        frames=clip.frames[:num_frames],
        waveform=donor.waveform[: num_frames * SAMPLES_PER_FRAME],
    )
