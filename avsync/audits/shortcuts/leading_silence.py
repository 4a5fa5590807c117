"""The field's own shortcut: fakes of FakeAVCeleb and AV-Deepfake1M begin with a sliver of silence.

Smeu et al., CVPR 2025.
"""

from avsync.audits.base import AuditedClip, Shortcut
from avsync.audits.shortcuts._signal import sounding
from avsync.units import SAMPLE_RATE


def measure(clip: AuditedClip) -> float:
    """Seconds before the first sample that is louder than trimming takes for silence."""
    return sounding(clip.waveform).start / SAMPLE_RATE


SHORTCUTS = {"leading_silence": Shortcut("silence before the first sound", "s", measure)}
