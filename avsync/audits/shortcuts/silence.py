"""Silence at the start, at the end, and between sounds.

Leading silence is the field's best-known shortcut: fakes of FakeAVCeleb and AV-Deepfake1M begin
with tens of milliseconds of it (Smeu et al., CVPR 2025). Trailing silence remains where a track was
padded or generated too short. Runs of exact zeros come from generated or gated speech; a microphone
does not record them.
"""

import numpy as np
from jaxtyping import Int16

from avsync.audits.base import AuditedClip, Shortcut
from avsync.pp.silence import SILENCE_LEVEL
from avsync.units import SAMPLE_RATE

MIN_RUN_SAMPLES = SAMPLE_RATE // 500  # 2 ms; quiet recordings cross zero, but do not stay there


def sounding(waveform: Int16[np.ndarray, " s"]) -> slice:
    """Samples from the first to the last one above the silence level of trimming.

    For a silent waveform, the empty slice at its end.
    """
    loud = np.flatnonzero(np.abs(waveform.astype(np.int32)) > SILENCE_LEVEL)
    if not len(loud):
        return slice(len(waveform), len(waveform))
    return slice(int(loud[0]), int(loud[-1]) + 1)


def leading_silence(clip: AuditedClip) -> float:
    """Seconds before the first sample above the silence level of trimming."""
    return sounding(clip.waveform).start / SAMPLE_RATE


def trailing_silence(clip: AuditedClip) -> float:
    """Seconds after the last sample above the silence level of trimming."""
    return (len(clip.waveform) - sounding(clip.waveform).stop) / SAMPLE_RATE


def digital_silence(clip: AuditedClip) -> float:
    """Total seconds in runs of exact zeros; silence at the ends of the clip is excluded."""
    is_zero = clip.waveform[sounding(clip.waveform)] == 0
    edges = np.flatnonzero(np.diff(np.pad(is_zero, 1).astype(np.int8)))
    lengths = edges[1::2] - edges[::2]
    return float(lengths[lengths >= MIN_RUN_SAMPLES].sum() / SAMPLE_RATE)


SHORTCUTS = {
    "leading_silence": Shortcut("silence before the first sound", "s", leading_silence),
    "trailing_silence": Shortcut("silence after the last sound", "s", trailing_silence),
    "digital_silence": Shortcut("exact zeros between sounds", "s", digital_silence),
}
