"""Scores many files, several at a time: none of them ends the job."""

import contextlib
import itertools
import queue
import threading
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

from avsync import runtime
from avsync.media.reading import Reader
from avsync.processes import POLL_SECONDS, JobError, described
from avsync.scoring.video.clip_scorer import OnProgress
from avsync.scoring.video.results import VideoResult

Finished = TypeVar("Finished")


@runtime_checkable
class FileScorer(Protocol):
    """A `VideoScorer` or an `LseScorer`."""

    @property
    def reader(self) -> Reader:
        """What reads the files."""
        ...

    def score(self, path: Path, *, on_progress: OnProgress, following: Path | None) -> VideoResult:
        """The result of a file."""
        ...


def score_files(
    paths: Sequence[Path],
    scorers: Sequence[FileScorer],
    *,
    finish: Callable[[Path, VideoResult, Reader], Finished],
    add: Callable[[Finished], None],
    reads_ahead: bool = True,
    notes: Sequence[str] = (),
) -> None:
    """Scores each file by one of `scorers`, which work at the same time, in a thread each.

    The thread also calls `finish` with the result and its reader; this one calls `add` with what
    that returns, as files are done. The first files go to the scorers in order, so that their
    readers may have read them ahead. With `reads_ahead`, a reader reads the next file while one is
    scored. Shows `notes`, then the progress.

    An unexpected error in a file is its status "failed", with the place of the error. Raises
    `JobError` if no file can be scored, and whatever `add` raises; the threads have ended then.
    """
    with runtime.Progress("scoring", total=len(paths)) as progress:
        for note in notes:
            progress.say(note)
        job = _Job(paths, scorers, finish, progress, reads_ahead=reads_ahead)
        with contextlib.closing(job.outcomes()) as outcomes:
            for number, (path, outcome) in enumerate(outcomes, start=1):
                add(outcome)
                job.show(number, path)


class _Stopped(Exception):
    """The job has ended: the file at work is given up."""


class _Job:
    """The threads of a job, and what they share."""

    def __init__(
        self,
        paths: Sequence[Path],
        scorers: Sequence[FileScorer],
        finish: Callable[[Path, VideoResult, Reader], Any],
        progress: runtime.Progress,
        *,
        reads_ahead: bool,
    ):
        self._reads_ahead = reads_ahead
        self._number, self._waiting = len(paths), iter(paths)
        self._scorers, self._finish, self._progress = scorers, finish, progress
        # What is done and not written yet is limited: pictures have some hundred kilobytes each.
        self._done: queue.Queue[Any] = queue.Queue(maxsize=len(scorers))
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self._shown: Path | None = None

    def outcomes(self) -> Generator[tuple[Path, Any], None, None]:
        """The files and their outcomes, as they come."""
        # Fewer files than scorers leave the last of these without work.
        first = list(itertools.islice(self._waiting, len(self._scorers)))
        threads = [
            threading.Thread(target=self._score_all, args=(scorer, path), daemon=True)
            for scorer, path in zip(self._scorers, first, strict=False)
        ]
        try:
            for thread in threads:
                thread.start()
            for _ in range(self._number):
                outcome = self._done.get()
                if isinstance(outcome, BaseException):
                    raise outcome
                yield outcome
        finally:
            self._is_over.set()
            for scorer in self._scorers:
                scorer.reader.interrupt()
            for thread in threads:
                thread.join()

    def show(self, number: int, path: Path) -> None:
        """Shows that `number` files are done, `path` the last of them."""
        with self._lock:
            self._shown = None if self._shown == path else self._shown
            self._progress.advance_to(number, path.name)

    def _score_all(self, scorer: FileScorer, path: Path | None) -> None:
        while path is not None and not self._is_over.is_set():
            following = self._next() if self._reads_ahead else None
            try:
                outcome = path, self._score(scorer, path, following)
            except _Stopped:
                return
            except BaseException as error:
                outcome = error
            self._put(outcome)
            path = following if self._reads_ahead else self._next()

    def _score(self, scorer: FileScorer, path: Path, following: Path | None) -> Any:
        try:
            result = scorer.score(path, on_progress=self._shown_for(path), following=following)
        except (JobError, _Stopped):
            raise
        except Exception as error:
            result = VideoResult(path=str(path), status="failed", message=described(error))
        return self._finish(path, result, scorer.reader)

    def _next(self) -> Path | None:
        with self._lock:
            return next(self._waiting, None)

    def _put(self, outcome: Any) -> None:
        while not self._is_over.is_set():
            with contextlib.suppress(queue.Full):
                self._done.put(outcome, timeout=POLL_SECONDS)
                return

    def _shown_for(self, path: Path) -> OnProgress:
        """Shows the progress in a file, if it is the first to report of those at work."""
        show = self._progress.within(path.name)

        def on_progress(stage: str, done: int, total: int) -> None:
            if self._is_over.is_set():
                raise _Stopped
            with self._lock:
                self._shown = self._shown or path
                if self._shown == path:
                    show(stage, done, total)

        return on_progress
