"""The progress of a preparation, shown while it runs and read from its directory.

A running job shows a bar on a terminal, and a line every few seconds elsewhere. The status says
the same about a job that is running, was killed, or is spread over many machines.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from avsync.preparation import journal
from avsync.preparation.job import JOURNALS, PLAN
from avsync.units import FRAMES_PER_SECOND

SECONDS_PER_LINE = 10.0

# The speed of a status is that of the last five minutes of work: a job may have been resumed with
# more workers.
WINDOW_SECONDS = 300.0


class Status(NamedTuple):
    """The state of a job.

    `files_per_second` and `seconds_left` are None while fewer than two files are done.
    `seconds_since_last` tells a running job from one that was killed.
    """

    num_files: int
    num_clips: int
    by_reason: dict[str, int]
    hours_of_video: float
    files_per_second: float | None
    seconds_left: float | None
    seconds_since_last: float | None

    def __str__(self) -> str:
        num_rejected = sum(self.by_reason.values())
        reasons = ", ".join(f"{count} {reason}" for reason, count in self.by_reason.items())
        parts = [
            f"{self.num_clips + num_rejected:,} of {self.num_files:,} files done",
            f"{self.num_clips:,} clips ({self.hours_of_video:.2f} h)",
            f"{num_rejected:,} rejected" + (f" ({reasons})" if reasons else ""),
        ]
        if self.files_per_second is not None:
            parts.append(f"{self.files_per_second:.2f} files/s")
        if self.seconds_left is not None:
            parts.append(f"{_duration(self.seconds_left)} left at this speed")
        if self.seconds_since_last is not None:
            parts.append(f"last file done {_duration(self.seconds_since_last)} ago")
        return "; ".join(parts)


def read_status(directory: Path) -> Status | None:
    """Returns the state of the job in `directory`; None if none was started there."""
    plan = directory / PLAN
    if not plan.is_file():
        return None
    num_files = json.loads(plan.read_text(encoding="utf-8"))["num_files"]
    entries = list(journal.read(directory / JOURNALS).values())
    clips = [entry for entry in entries if not entry.reason]
    rate = _mean_rate([entry.finished for entry in entries])
    return Status(
        num_files=num_files,
        num_clips=len(clips),
        by_reason=dict(Counter(entry.reason for entry in entries if entry.reason).most_common()),
        hours_of_video=sum(entry.num_frames for entry in clips) / FRAMES_PER_SECOND / 3600,
        files_per_second=rate,
        seconds_left=max(0, num_files - len(entries)) / rate if rate else None,
        seconds_since_last=max(0.0, time.time() - entries[-1].finished) if entries else None,
    )


@contextmanager
def show_progress(num_files: int) -> Iterator[Callable[[int, int], None]]:
    """Yields a function to call with the numbers of clips and rejects so far; writes to stderr."""
    with _bar(num_files) if sys.stderr.isatty() else _lines(num_files) as update:
        yield update


@contextmanager
def _bar(num_files: int) -> Iterator[Callable[[int, int], None]]:
    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn("preparing"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TextColumn("{task.fields[rejected]} rejected  {task.fields[rate]}"),
        progress.TimeRemainingColumn(),
    )
    rate = _Rate()
    with progress.Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=num_files, rejected=0, rate="")

        def update(num_clips: int, num_rejected: int) -> None:
            done = num_clips + num_rejected
            speed = f"{rate.files_per_second(done):.2f} files/s"
            bar.update(task, completed=done, rejected=num_rejected, rate=speed)

        yield update


@contextmanager
def _lines(num_files: int) -> Iterator[Callable[[int, int], None]]:
    rate = _Rate()
    last_line = time.monotonic()

    def update(num_clips: int, num_rejected: int) -> None:
        nonlocal last_line
        done = num_clips + num_rejected
        speed = rate.files_per_second(done)
        if time.monotonic() - last_line < SECONDS_PER_LINE and done < num_files:
            return
        last_line = time.monotonic()
        num_left = num_files - done
        left = f", {num_left / speed:.0f} s left" if num_left and speed else ""
        print(
            f"prepared {done} of {num_files} files: {num_clips} clips, {num_rejected} rejected, "
            f"{speed:.2f} files/s{left}",
            file=sys.stderr,
            flush=True,
        )

    yield update


class _Rate:
    """Files per second in this run; those done by an earlier run do not count."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.num_at_start: int | None = None

    def files_per_second(self, done: int) -> float:
        if self.num_at_start is None:
            self.num_at_start = done
        return (done - self.num_at_start) / max(time.monotonic() - self.started, 1e-3)


def _mean_rate(finished: list[float]) -> float | None:
    """The rate of sorted times of completion; None if there are fewer than two."""
    recent = [seconds for seconds in finished if seconds >= finished[-1] - WINDOW_SECONDS]
    lasted = recent[-1] - recent[0] if recent else 0.0
    return (len(recent) - 1) / lasted if lasted > 0 else None


def _duration(seconds: float) -> str:
    """ "4.2 s", "12 min", "3.1 h"."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"
