"""Silence at the end: what is left of a track that was padded, or generated too short."""

from avsync.audits.base import AuditedClip, Shortcut
from avsync.audits.shortcuts._signal import sounding
from avsync.units import SAMPLE_RATE


def measure(clip: AuditedClip) -> float:
    """Seconds after the last sample that is louder than trimming takes for silence."""
    return (len(clip.waveform) - sounding(clip.waveform).stop) / SAMPLE_RATE


SHORTCUTS = {"trailing_silence": Shortcut("silence after the last sound", "s", measure)}
