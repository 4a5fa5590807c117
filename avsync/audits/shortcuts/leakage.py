"""Clips whose source or speaker occurs in another split: a model that knows them has it easier.

In AV-Deepfake1M 1,680 of 10,000 test clips are fakes of clips in the real train split, and none of
the real test clips is.
"""

from avsync.audits.base import AuditedClip, Shortcut


def source_leakage(clip: AuditedClip) -> float:
    """Number of other splits that hold the clip, its source, or another fake of that source."""
    return float(len(clip.splits_with_source))


def identity_leakage(clip: AuditedClip) -> float | None:
    """Number of other splits with the same speaker; None if the speaker is unknown."""
    return None if clip.splits_with_identity is None else float(len(clip.splits_with_identity))


SHORTCUTS = {
    "source_leakage": Shortcut(
        "other splits with a clip of the same source", "splits", source_leakage
    ),
    "identity_leakage": Shortcut("other splits with the same identity", "splits", identity_leakage),
}
