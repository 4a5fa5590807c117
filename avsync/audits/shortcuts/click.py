"""A jump between two samples: where sounds were joined without a fade."""

import numpy as np

from avsync.audits.base import AuditedClip, Shortcut
from avsync.audits.shortcuts._signal import decibels, sounding, unit_scale
from avsync.units import SAMPLE_RATE

# The second difference of a wave grows with the square of its frequency, so that of speech is
# small beside that of a step; against the 10 ms around it, because loud speech has more of it.
AROUND_SAMPLES = SAMPLE_RATE // 100


def measure(clip: AuditedClip) -> float | None:
    """How far the sharpest corner stands out of its surroundings, in dB; None if there is none.

    Silence at the ends of the clip is left out: where sound begins is no click.
    """
    sound = clip.waveform[sounding(clip.waveform)]
    corners = np.square(np.diff(unit_scale(sound), n=2))
    num_around = len(corners) // AROUND_SAMPLES
    around = corners[: num_around * AROUND_SAMPLES].reshape(num_around, AROUND_SAMPLES)
    mean = around.mean(axis=1)
    if not mean.any():
        return None
    return float(decibels(around.max(axis=1)[mean > 0] / mean[mean > 0]).max())


SHORTCUTS = {
    "click": Shortcut("sharpest corner of the waveform, over its surroundings", "dB", measure)
}
