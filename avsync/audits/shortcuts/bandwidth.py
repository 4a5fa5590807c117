"""Where the spectrum ends: generated sound, or sound once stored at a lower rate, stops there."""

import numpy as np

from avsync.audits.base import AuditedClip, Shortcut
from avsync.audits.shortcuts._signal import decibels, spectrum

# Speech at 7 kHz is some 50 dB below its strongest band; a resampler's stop band is 100 dB below.
RANGE_DB = 70.0


def measure(clip: AuditedClip) -> float | None:
    """The highest frequency within 70 dB of the strongest one; None for digital silence."""
    hertz, power = spectrum(clip.waveform)
    if not power.any():
        return None
    level = decibels(power / power.max())
    return float(hertz[np.flatnonzero(level > -RANGE_DB)[-1]])


SHORTCUTS = {"bandwidth": Shortcut("highest frequency that is not empty", "Hz", measure)}
