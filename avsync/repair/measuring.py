"""The A/V offset of a scored file, where it is one that new timestamps can mend."""

from typing import Literal, NamedTuple

from avsync.scoring import MIN_DESYNC_FRAMES
from avsync.scoring.drift import OffsetLine, Placed, offset_line
from avsync.scoring.video import verdict
from avsync.scoring.video.results import VideoResult
from avsync.units import FRAMES_PER_SECOND

# What moves the sound by less than a frame over the file is left.
MIN_DRIFT_SECONDS = 1 / FRAMES_PER_SECOND

# Offsets and tolerances are rounded decimal fractions: 0.04 s may be a bit more than 40 ms.
ROUNDING_SECONDS = 1e-6


class Measured(NamedTuple):
    """How late the sound of a file is.

    late_seconds: at the first picture if it drifts, else all along; None if it is not known, or is
      neither of these.
    status: "measured", "drifting", or why there is no number: "not_scored", "uncertain" or
      "changing".
    message: the same in words.
    line: through the offsets along the file; None if there are too few.
    """

    late_seconds: float | None
    status: Literal["measured", "drifting", "not_scored", "uncertain", "changing"]
    message: str
    line: OffsetLine | None = None

    @property
    def rate(self) -> float:
        """By how many seconds the sound gets later in a second; 0 unless it drifts."""
        return self.line.rate if self.line is not None and self.status == "drifting" else 0.0

    @property
    def drift(self) -> float | None:
        """What is known of the drift, in milliseconds a minute."""
        return None if self.line is None else self.line.milliseconds_per_minute

    @property
    def ends(self) -> tuple[float, float]:
        """How late the sound is where the line begins and ends."""
        assert self.line is not None
        return self.line.at(self.line.first_seconds), self.line.at(self.line.last_seconds)

    def is_within(self, tolerance_seconds: float) -> bool:
        """True for a sound known to be no later and no earlier than this, all along."""
        if self.late_seconds is None:
            return False
        late = self.ends if self.status == "drifting" else (self.late_seconds,)
        return max(map(abs, late)) <= tolerance_seconds + ROUNDING_SECONDS

    def is_steady(self, tolerance_seconds: float) -> bool:
        """True for a sound that is within this and known not to drift."""
        is_within = self.status == "measured" and self.is_within(tolerance_seconds)
        return is_within and self.line is not None and max(map(abs, self.ends)) <= tolerance_seconds


def measured(result: VideoResult) -> Measured:
    """The offset of a file, as the scorer believes it, if it is the same all along, or drifts."""
    if not result.is_scored:
        return Measured(None, "not_scored", verdict.status_text(result))
    if not result.offset_is_certain or result.offset_seconds is None:
        return Measured(None, "uncertain", f"no offset is certain: {result.message}")
    line = _line(result)
    if line is not None and _moves(line):
        return Measured(line.late_seconds, "drifting", drift_text(line), line)
    frames = [segment.offset_frames for segment in result.offsets]
    if max(frames, default=0) - min(frames, default=0) >= MIN_DESYNC_FRAMES:
        message = f"{verdict.offset_text(result.offsets)}; {_why_no_line(line)}"
        return Measured(None, "changing", message, line)
    return Measured(result.offset_seconds, "measured", result.message, line)


def drift_text(line: OffsetLine) -> str:
    """The line in words: "sound drifts by +60 ms a minute, from +0.02 s at the first picture"."""
    at_start = verdict.seconds(line.late_seconds)
    rate = f"{line.milliseconds_per_minute:+.0f} ms a minute"
    return f"sound drifts by {rate}, from {at_start} at the first picture"


def _line(result: VideoResult) -> OffsetLine | None:
    if result.timeline is None:
        return None
    line = offset_line([Placed(track.start, track.gains) for track in result.timeline.tracks])
    if line is None:
        return None
    # The sound was moved back by the offset of the reference clips before it was scored.
    usual = result.reference_offset_frames / FRAMES_PER_SECOND
    return line._replace(late_seconds=line.late_seconds + usual)


def _moves(line: OffsetLine) -> bool:
    moved = line.rate * (line.last_seconds - line.first_seconds)
    return line.is_drift and abs(moved) >= MIN_DRIFT_SECONDS


def _why_no_line(line: OffsetLine | None) -> str:
    if line is None:
        return "too little speech to tell a drift from an edit"
    if line.is_best:
        return "no drift is certain"
    return "by an edit, not by a steady drift"
