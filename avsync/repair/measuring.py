"""The A/V offset of a scored file, where it is one that a move of the sound can mend."""

from typing import Literal, NamedTuple

from avsync.scoring import MIN_DESYNC_FRAMES
from avsync.scoring.video import verdict
from avsync.scoring.video.results import VideoResult


class Measured(NamedTuple):
    """How late the sound of a file is, in seconds; None if that is not known or not one number.

    status: "measured", or why there is no number: "not_scored", "uncertain" or "changing".
    message: the same in words.
    """

    late_seconds: float | None
    status: Literal["measured", "not_scored", "uncertain", "changing"]
    message: str

    def is_within(self, tolerance_seconds: float) -> bool:
        """True for a sound known to be no later and no earlier than this."""
        # Offsets and tolerances are rounded decimal fractions: 0.04 s may be a bit more than 40 ms.
        return self.late_seconds is not None and abs(self.late_seconds) <= tolerance_seconds + 1e-6


def measured(result: VideoResult) -> Measured:
    """The offset of a file, as the scorer believes it, and only if it is the same all along."""
    if not result.is_scored:
        return Measured(None, "not_scored", verdict.status_text(result))
    if not result.offset_is_certain or result.offset_seconds is None:
        return Measured(None, "uncertain", f"no offset is certain: {result.message}")
    frames = [segment.offset_frames for segment in result.offsets]
    if max(frames, default=0) - min(frames, default=0) >= MIN_DESYNC_FRAMES:
        return Measured(None, "changing", verdict.offset_text(result.offsets))
    return Measured(result.offset_seconds, "measured", result.message)
