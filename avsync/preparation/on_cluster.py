"""What engines on a cluster share: worker processes kept between files, and the check of paths."""

import multiprocessing
import threading
import time
from collections.abc import Iterable
from pathlib import Path

from avsync.preparation.worker import Outcome, Task, Worker
from avsync.processes import POLL_SECONDS
from avsync.types import MediaFile

# The processes of a cluster outlive the job: a worker process without files ends after this time.
IDLE_SECONDS = 60.0


class KeptWorker:
    """A worker process that prepares one file at a time, started and replaced when necessary."""

    def __init__(self, task: Task):
        self.task = task
        self.idle_since = time.monotonic()
        self._worker: Worker | None = None

    def prepare(self, media: MediaFile) -> Outcome:
        """Stores the clip of the file, or rejects it; raises as `Worker.outcome`."""
        if self._worker and self._worker.is_usable():
            self._worker.give(media)
        else:
            self.end()
            self._worker = Worker(media, self.task)
        while (outcome := self._worker.outcome()) is None:
            self._worker.connection.poll(POLL_SECONDS)
        self.idle_since = time.monotonic()
        return outcome

    def end(self) -> None:
        """Ends the process, if there is one."""
        if self._worker:
            self._worker.end()
            self._worker = None


class WorkerPool:
    """A worker process for each thread that prepares a file; those without files end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[KeptWorker] = []
        self._timer: threading.Timer | None = None

    def prepare(self, media: MediaFile, task: Task) -> Outcome:
        """Stores the clip of the file, or rejects it; raises as `Worker.outcome`."""
        # Dask runs its workers as daemonic processes, which may have no children: those would be
        # left behind. Ours end themselves as soon as their parent is gone.
        multiprocessing.current_process().daemon = False
        worker = self._take(task)
        try:
            outcome = worker.prepare(media)
        except BaseException:
            worker.end()
            raise
        with self._lock:
            self._idle.append(worker)
            self._watch()
        return outcome

    def _take(self, task: Task) -> KeptWorker:
        with self._lock:
            for worker in self._idle:
                if worker.task == task:
                    self._idle.remove(worker)
                    return worker
        return KeptWorker(task)

    def _watch(self) -> None:
        if self._idle and self._timer is None:
            self._timer = threading.Timer(IDLE_SECONDS, self._end_idle)
            self._timer.daemon = True
            self._timer.start()

    def _end_idle(self) -> None:
        with self._lock:
            latest = time.monotonic() - IDLE_SECONDS
            due = [worker for worker in self._idle if worker.idle_since <= latest]
            self._idle = [worker for worker in self._idle if worker not in due]
            self._timer = None
            self._watch()
        for worker in due:
            worker.end()


def require_absolute(
    pending: Iterable[MediaFile], task: Task, *, journals: Path, engine: str
) -> None:
    """ValueError if a path is relative: the working directories of machines differ."""
    files = (place for file in pending for place in (file.path, file.sound) if place)
    for place in (task.clips, journals, *files):
        if not place.is_absolute():
            raise ValueError(f"{place}: {engine} needs absolute paths, the same on all machines")
