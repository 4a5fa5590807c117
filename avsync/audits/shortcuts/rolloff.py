"""Where the spectrum has ended, for the most part: the colour of microphone and vocoder."""

import numpy as np

from avsync.audits.base import AuditedClip, Shortcut
from avsync.audits.shortcuts._signal import spectrum

SHARE = 0.95


def measure(clip: AuditedClip) -> float | None:
    """The frequency below which 95 % of the power lies; None for digital silence."""
    hertz, power = spectrum(clip.waveform)
    so_far = np.cumsum(power)
    if so_far[-1] == 0:
        return None
    return float(hertz[np.searchsorted(so_far, SHARE * so_far[-1])])


SHORTCUTS = {"rolloff": Shortcut("frequency below which 95 % of the power lies", "Hz", measure)}
