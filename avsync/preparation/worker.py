"""Files prepared by worker processes; one that crashes or exceeds its limits is rejected."""

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, NamedTuple

from avsync.limits import DEFAULT_LIMITS, Limits
from avsync.media.landmarks.base import FaceDetector, load_detector
from avsync.media.rejects import Reject
from avsync.preparation.clips import prepare_clip
from avsync.preparation.journal import Entry, Journal
from avsync.preparation.store import save
from avsync.processes import POLL_SECONDS, Fault, JobError, Work, WorkerProcess
from avsync.types import MediaFile


class Task(NamedTuple):
    """The folder where clips are stored, and how they are made."""

    clips: Path
    detector: str
    limits: Limits = DEFAULT_LIMITS


class Outcome(NamedTuple):
    """The result for one file: a stored clip of `num_frames` if `reject` is None."""

    media: MediaFile
    reject: Reject | None
    num_frames: int = 0


def prepare_in_processes(
    pending: Iterable[MediaFile], task: Task, *, journals: Path, num_workers: int
) -> Iterator[Entry]:
    """Stores the clip of each file; yields the outcomes as they come, and journals them.

    A worker that dies or exceeds the limits costs its current file. Raises ValueError if the
    detector cannot be loaded or clips cannot be written.
    """
    with Journal(journals) as journal:
        for outcome in _outcomes(iter(pending), task, num_workers=num_workers):
            yield journal.write(outcome.media, outcome.reject, num_frames=outcome.num_frames)


def _outcomes(pending: Iterator[MediaFile], task: Task, *, num_workers: int) -> Iterator[Outcome]:
    workers = [Worker(file, task) for file in itertools.islice(pending, num_workers)]
    try:
        while workers:
            wait([worker.connection for worker in workers], timeout=POLL_SECONDS)
            for worker in tuple(workers):
                outcome = worker.outcome()
                if outcome is None:
                    continue
                following = next(pending, None)
                if following is not None and worker.is_usable():
                    worker.give(following)
                else:
                    worker.end()
                    workers.remove(worker)
                    if following is not None:
                        workers.append(Worker(following, task))
                yield outcome
    finally:
        for worker in workers:
            worker.end()


class Worker:
    """A process that prepares files, and its current file, initially `media`."""

    def __init__(self, media: MediaFile, task: Task):
        self._process = WorkerProcess(
            functools.partial(_start, task),
            seconds=task.limits.seconds,
            gigabytes=task.limits.gigabytes,
            expected=Reject,
        )
        self.connection = self._process.connection
        self.is_usable, self.end = self._process.is_usable, self._process.end
        self.give(media)

    def give(self, media: MediaFile) -> None:
        """Sends the next file, once the outcome of the previous one is known."""
        self._media = media
        self._process.give(media)

    def outcome(self) -> Outcome | None:
        """Returns the outcome of the current file; None while the process is busy.

        Raises ValueError if no file can be prepared, or the process does not start.
        """
        message = self._process.message()
        if message is None:
            return None
        if isinstance(message, Fault):
            return Outcome(self._media, Reject(message.kind, message.detail))
        if isinstance(message.value, Reject):
            return Outcome(self._media, message.value)
        return Outcome(self._media, None, num_frames=message.value)


def _start(task: Task) -> Work:
    return functools.partial(_prepare, load_detector(task.detector), task)


def _prepare(
    detector: FaceDetector, task: Task, media: MediaFile, report: Callable[[Any], None]
) -> int:
    """Stores the clip; returns its number of frames."""
    del report
    clip = prepare_clip(media, detector=detector, limits=task.limits)
    try:
        save(clip, task.clips, file_name=media.path.name)
    except OSError as error:
        raise JobError(f"cannot write the clip of {media.path}: {error}") from error
    return len(clip.frames)
