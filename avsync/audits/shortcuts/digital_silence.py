"""Exact zeros between sounds: generated and gated speech has them, a microphone does not."""

import numpy as np

from avsync.audits.base import AuditedClip, Shortcut
from avsync.audits.shortcuts._signal import sounding
from avsync.units import SAMPLE_RATE

MIN_RUN_SAMPLES = SAMPLE_RATE // 500  # 2 ms; quiet recordings cross zero, but do not stay there


def measure(clip: AuditedClip) -> float:
    """Seconds that runs of zeros take, silence at the ends of the clip left out."""
    is_zero = clip.waveform[sounding(clip.waveform)] == 0
    edges = np.flatnonzero(np.diff(np.pad(is_zero, 1).astype(np.int8)))
    lengths = edges[1::2] - edges[::2]
    return float(lengths[lengths >= MIN_RUN_SAMPLES].sum() / SAMPLE_RATE)


SHORTCUTS = {"digital_silence": Shortcut("exact zeros between sounds", "s", measure)}
