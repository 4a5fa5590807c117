"""How loud a clip is: generated speech is often brought to one level."""

import numpy as np

from avsync.audits.base import AuditedClip, Shortcut
from avsync.audits.shortcuts._signal import decibels, unit_scale


def measure(clip: AuditedClip) -> float:
    """Root mean square of the whole clip, in dB below full scale."""
    return float(decibels(np.square(unit_scale(clip.waveform)).mean(keepdims=True))[0])


SHORTCUTS = {"loudness": Shortcut("level of the sound, root mean square", "dB", measure)}
