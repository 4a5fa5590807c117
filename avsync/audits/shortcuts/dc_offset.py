"""A constant under the sound: sound cards add one, a vocoder does not."""

from avsync.audits.base import AuditedClip, Shortcut
from avsync.audits.shortcuts._signal import unit_scale


def measure(clip: AuditedClip) -> float:
    """Distance of the mean from zero, in parts of full scale."""
    return abs(float(unit_scale(clip.waveform).mean()))


SHORTCUTS = {"dc_offset": Shortcut("distance of the mean amplitude from zero", "FS", measure)}
