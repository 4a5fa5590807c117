"""How far a preparation is: a bar on a terminal, a line every few seconds elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SECONDS_PER_LINE = 10.0


@contextmanager
def show_progress(num_files: int) -> Iterator[Callable[[int, int], None]]:
    """A function to call with the numbers of clips and rejects so far; written to stderr."""
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
    rate = _Rate(num_files)
    with progress.Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=num_files, rejected=0, rate="")

        def update(num_clips: int, num_rejected: int) -> None:
            done = num_clips + num_rejected
            speed = f"{rate.files_per_second(done):.2f} clips/s"
            bar.update(task, completed=done, rejected=num_rejected, rate=speed)

        yield update


@contextmanager
def _lines(num_files: int) -> Iterator[Callable[[int, int], None]]:
    rate = _Rate(num_files)
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
            f"{speed:.2f} clips/s{left}",
            file=sys.stderr,
            flush=True,
        )

    yield update


class _Rate:
    """Files a second in this run; those done by an earlier run do not count."""

    def __init__(self, num_files: int):
        self.num_files = num_files
        self.started = time.monotonic()
        self.num_at_start: int | None = None

    def files_per_second(self, done: int) -> float:
        if self.num_at_start is None:
            self.num_at_start = done
        return (done - self.num_at_start) / max(time.monotonic() - self.started, 1e-3)
