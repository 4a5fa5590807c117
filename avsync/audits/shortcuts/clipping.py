"""Samples cut off at full scale, or where a louder track was before it was turned down."""

import numpy as np

from avsync.audits.base import AuditedClip, Shortcut


def measure(clip: AuditedClip) -> float:
    """Share of the samples that lie at the loudest amplitude beside another one that does."""
    amplitude = np.abs(clip.waveform.astype(np.int32))
    is_loudest = amplitude >= amplitude.max()
    beside = is_loudest[1:] & is_loudest[:-1]
    return float(beside.sum() / len(amplitude)) if amplitude.max() else 0.0


SHORTCUTS = {"clipping": Shortcut("share of the samples that are cut off", "", measure)}
