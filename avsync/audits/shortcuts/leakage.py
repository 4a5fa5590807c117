"""Clips whose source or speaker is in another split: a model that knows them has an easier test.

In AV-Deepfake1M 1,680 of 10,000 test clips are fakes of clips of the real train split, and none of
the test split's reals is.
"""

from avsync.audits.base import AuditedClip, Shortcut


def measure_source(clip: AuditedClip) -> float:
    """How many other splits hold the clip, its source, or another fake of it."""
    return float(len(clip.splits_with_source))


def measure_identity(clip: AuditedClip) -> float | None:
    """In how many other splits the same person speaks; None if nobody knows who does."""
    return None if clip.splits_with_identity is None else float(len(clip.splits_with_identity))


SHORTCUTS = {
    "source_leakage": Shortcut(
        "other splits with a clip of the same source", "splits", measure_source
    ),
    "identity_leakage": Shortcut("other splits with the same identity", "splits", measure_identity),
}
