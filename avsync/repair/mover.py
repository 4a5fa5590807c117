"""Copies files in a worker process with limits: a file that crashes FFmpeg costs only itself."""

import contextlib
from collections.abc import Callable
from typing import Any

from avsync.limits import DEFAULT_LIMITS, Limits
from avsync.processes import POLL_SECONDS, Done, Fault, Work, WorkerProcess
from avsync.repair.containers import CannotCopy
from avsync.repair.remux import Moved, Request, move_sound

# A copy is written once or twice and read three or four times. A slow disk still does this.
BYTES_PER_SECOND = 2_000_000


class Mover:
    """Moves the sound of files in a process that starts with the first of them.

    The time limit is `limits.seconds`, and a second more for every 2 MB of the file.
    """

    def __init__(self, limits: Limits = DEFAULT_LIMITS):
        self._limits = limits
        self._worker: WorkerProcess | None = None

    def move(self, request: Request) -> Moved:
        """See `remux.move_sound`; raises `CannotCopy` for a crash and beyond a limit, too."""
        worker = self._ready()
        worker.give(request)
        with contextlib.suppress(OSError):  # the worker says it
            num_bytes = request.source.stat().st_size
            worker.allow(self._limits.seconds + num_bytes / BYTES_PER_SECOND)
        while True:
            worker.connection.poll(POLL_SECONDS)
            match worker.message():
                case Fault(kind, detail):
                    raise CannotCopy(f"{kind}: {detail}")
                case Done(value):
                    if isinstance(value, CannotCopy):
                        raise value
                    return value

    def close(self) -> None:
        """Ends the process."""
        if self._worker is not None:
            self._worker.end()
        self._worker = None

    def _ready(self) -> WorkerProcess:
        if self._worker is not None and self._worker.is_usable():
            return self._worker
        self.close()
        self._worker = WorkerProcess(
            _start,
            seconds=self._limits.seconds,
            gigabytes=self._limits.gigabytes,
            expected=CannotCopy,
        )
        return self._worker


def _start() -> Work:
    return _work


def _work(request: Request, report: Callable[[Any], None]) -> Moved:
    del report
    return move_sound(request)
