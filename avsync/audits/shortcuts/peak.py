"""The loudest sample: a normalised track peaks at the same height in every clip."""

import numpy as np

from avsync.audits.base import AuditedClip, Shortcut
from avsync.audits.shortcuts._signal import decibels, unit_scale


def measure(clip: AuditedClip) -> float:
    """The largest amplitude, in dB below full scale."""
    return float(decibels(np.square(unit_scale(clip.waveform))).max())


SHORTCUTS = {"peak": Shortcut("level of the loudest sample", "dB", measure)}
