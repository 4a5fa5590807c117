"""How far a preparation is, read from its directory: at work, killed, or on many machines."""

import json
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from avsync.preparation import journal
from avsync.preparation.job import JOURNALS, PLAN
from avsync.units import FRAMES_PER_SECOND

# The speed is that of the last five minutes at work: a job may have been resumed with more workers.
WINDOW_SECONDS = 300.0


class Status(NamedTuple):
    """`clips_per_second` and `seconds_left` are None while less than two files are done.

    `seconds_since_last` tells a job that is at work from one that was killed.
    """

    num_files: int
    num_clips: int
    by_reason: dict[str, int]
    hours_of_video: float
    clips_per_second: float | None
    seconds_left: float | None
    seconds_since_last: float | None

    def __str__(self) -> str:
        num_rejected = sum(self.by_reason.values())
        reasons = ", ".join(f"{count} {reason}" for reason, count in self.by_reason.items())
        parts = [
            f"{self.num_clips + num_rejected:,} of {self.num_files:,} files done",
            f"{self.num_clips:,} clips of {self.hours_of_video:.2f} h",
            f"{num_rejected:,} rejected" + (f" ({reasons})" if reasons else ""),
        ]
        if self.clips_per_second is not None:
            parts.append(f"{self.clips_per_second:.2f} clips/s")
        if self.seconds_left is not None:
            parts.append(f"{_in_words(self.seconds_left)} left at this speed")
        if self.seconds_since_last is not None:
            parts.append(f"the last one {_in_words(self.seconds_since_last)} ago")
        return "; ".join(parts)


def read_status(directory: Path) -> Status | None:
    """The state of the job in `directory`; None if none was begun there."""
    plan = directory / PLAN
    if not plan.is_file():
        return None
    num_files = json.loads(plan.read_text())["num_files"]
    entries = list(journal.read(directory / JOURNALS).values())
    clips = [entry for entry in entries if not entry.reason]
    rate = _files_per_second([entry.finished for entry in entries])
    return Status(
        num_files=num_files,
        num_clips=len(clips),
        by_reason=dict(Counter(entry.reason for entry in entries if entry.reason).most_common()),
        hours_of_video=sum(entry.num_frames for entry in clips) / FRAMES_PER_SECOND / 3600,
        clips_per_second=rate,
        seconds_left=max(0, num_files - len(entries)) / rate if rate else None,
        seconds_since_last=max(0.0, time.time() - entries[-1].finished) if entries else None,
    )


def _files_per_second(finished: list[float]) -> float | None:
    """Of times in their order; None if there are less than two to tell from."""
    recent = [seconds for seconds in finished if seconds >= finished[-1] - WINDOW_SECONDS]
    lasted = recent[-1] - recent[0] if recent else 0.0
    return (len(recent) - 1) / lasted if lasted > 0 else None


def _in_words(seconds: float) -> str:
    """ "4.2 s", "12 min", "3.1 h"."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"
