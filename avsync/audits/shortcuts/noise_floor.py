"""How quiet it is between the words: rooms hiss, vocoders do not."""

import numpy as np

from avsync.audits.base import AuditedClip, Shortcut
from avsync.audits.shortcuts._signal import window_levels

PERCENTILE = 10


def measure(clip: AuditedClip) -> float | None:
    """The level that a tenth of the clip stays below, exact zeros left out; None if all is zero."""
    levels = window_levels(clip.waveform)
    return float(np.percentile(levels, PERCENTILE)) if len(levels) else None


SHORTCUTS = {"noise_floor": Shortcut("level of the quietest tenth of the sound", "dB", measure)}
