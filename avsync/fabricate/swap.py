"""The sound of another clip under the picture of this one."""

import numpy as np

from avsync.types import FAKE, Clip
from avsync.units import FRAMES_PER_SECOND


def fabricate(clip: Clip, donor: Clip, rng: np.random.Generator) -> Clip:
    """All of `clip`'s sound replaced by `donor`'s, which is cut, or repeated, to its length."""
    del rng  # nothing is left to chance: every manipulation has the same signature
    seconds = len(clip.frames) / FRAMES_PER_SECOND
    return clip.replace(
        clip_id=f"{clip.clip_id}+swap",
        waveform=np.resize(donor.waveform, clip.waveform.shape),
        label=FAKE,
        category="RV-FA",
        manipulation="swap",
        source_clip=clip.clip_id,
        fake_segments=((0.0, seconds),),
    )
