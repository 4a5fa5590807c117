"""Reads files for scoring in a worker process, with limits of time and memory."""

import concurrent.futures
import contextlib
import functools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from avsync.files import Content, stamp
from avsync.limits import DEFAULT_LIMITS, Limits
from avsync.media.crop_store import CropStore
from avsync.media.footage import Footage
from avsync.media.read_options import ANY_FILE
from avsync.media.reading import Advance, FaceCrop, FaceSpan
from avsync.media.reading_worker import (
    CallRequest,
    CropRequest,
    FootageRequest,
    Hashed,
    start_reading,
)
from avsync.media.rejects import Reject
from avsync.processes import (
    POLL_SECONDS,
    Done,
    Fault,
    Report,
    WithFile,
    WorkerProcess,
)
from avsync.units import FRAMES_PER_SECOND

# The time limit grows with the length of a file: a fixed one would either stop every film or let a
# small file run for hours. 1920 x 1080 pixels at 25 fps take half their length on a core of 2026.
SECONDS_PER_SECOND = 10.0


class ProcessReader:
    """Reads files in a worker process with limits, which starts at once; `close` ends it.

    Beyond its limits, a file is rejected as "timed_out", "out_of_memory", "too_long" or
    "too_large"; if it crashes the process, as "crashed". The time limit is `limits.seconds` plus
    ten times the length of the file. `num_threads` is that of `ReadOptions`. Raises `JobError` if
    no file can be read.
    """

    def __init__(
        self,
        detector: str,
        *,
        limits: Limits = DEFAULT_LIMITS,
        audio_track: int | None = None,
        num_threads: int = 0,
    ):
        self._detector, self._limits = detector, limits
        self._options = ANY_FILE._replace(
            max_seconds=limits.max_seconds,
            max_pixels=limits.max_pixels,
            audio_track=audio_track,
            num_threads=num_threads,
        )
        if limits.lost_share is not None:
            self._options = self._options._replace(max_lost_share=limits.lost_share)
        self._is_interrupted = False
        self._worker = self._start()
        self._ahead: _Reading | None = None
        self._last: dict[Path, Content] = {}

    @contextlib.contextmanager
    def footage(self, path: Path, *, advance: Advance) -> Iterator[tuple[Footage, CropStore]]:
        if self._ahead is None or self._ahead.path != path:
            self._cancel_ahead()
            self.look_ahead(path)
        assert self._ahead is not None
        try:
            # Kept until the result is there: `close` ends a reading that was interrupted.
            result = self._ahead.result(advance)
        finally:
            self._last = {path: self._ahead.content}
        self._ahead = None
        with result.file as file:
            yield result.value, CropStore(file)

    def face_crops(self, path: Path, spans: Sequence[FaceSpan]) -> Iterator[FaceCrop]:
        self._cancel_ahead()
        worker, is_done = self._ready(), False
        worker.give(CropRequest(path, tuple(spans)))
        worker.allow(self._allowed(max(span.frames.stop for span in spans)))
        try:
            for message in _messages(worker):
                if is_done := isinstance(message, Done):
                    return
                since = time.monotonic()
                yield message.value
                worker.excuse(time.monotonic() - since)
        finally:
            if not is_done:
                worker.end()

    def look_ahead(self, path: Path) -> None:
        if self._ahead is None:
            self._ahead = _Reading(path, self._ready(), allowed=self._allowed)

    def content(self, path: Path) -> Content:
        return self._last.get(path) or Content(None, stamp(path))

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """What `function` returns in the worker, once that has read the file ahead.

        All must be picklable. Its limits are those of a file. Raises `Reject` if the function
        fails, crashes or exceeds them.
        """
        if self._ahead is not None:
            self._ahead.wait()
        worker = self._ready()
        worker.give(CallRequest(function, arguments))
        return next(message.value for message in _messages(worker) if isinstance(message, Done))

    def interrupt(self) -> None:
        """Ends, from any thread, what another one waits for: that gets a `Reject`.

        From then on every file is rejected; the thread of the reader still calls `close`.
        """
        self._is_interrupted = True
        self._worker.process.kill()

    def close(self) -> None:
        """Ends the process."""
        self._cancel_ahead()
        self._worker.end()

    def _cancel_ahead(self) -> None:
        if self._ahead is not None:
            self._ahead.cancel()
        self._ahead = None

    def _ready(self) -> WorkerProcess:
        if not self._worker.is_usable():
            self._worker.end()
            if not self._is_interrupted:
                self._worker = self._start()
        # Again: `interrupt` may have come while the process started.
        if self._is_interrupted:
            self._worker.end()
            raise Reject("crashed", "the job was interrupted")
        return self._worker

    def _start(self) -> WorkerProcess:
        limits = self._limits
        return WorkerProcess(
            functools.partial(start_reading, self._detector, self._options),
            seconds=limits.seconds,
            gigabytes=limits.gigabytes,
            expected=Reject,
        )

    def _allowed(self, num_frames: int) -> float:
        """The seconds that a file of so many frames may take."""
        return self._limits.seconds + SECONDS_PER_SECOND * num_frames / FRAMES_PER_SECOND


class _Reading:
    """A file that a worker reads; a thread takes its messages, whatever the main thread does."""

    def __init__(self, path: Path, worker: WorkerProcess, *, allowed: Callable[[int], float]):
        self.path = path
        self.content = Content(None, stamp(path))
        self._worker, self._allowed = worker, allowed
        self._future: concurrent.futures.Future[WithFile] = concurrent.futures.Future()
        self._progress = (0, 0)
        self._is_cancelled = threading.Event()
        worker.give(FootageRequest(path))
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def result(self, advance: Advance) -> WithFile:
        """Waits for the footage and the file of its crops; raises `Reject` if there are none."""
        shown = (0, 0)
        while True:
            with contextlib.suppress(concurrent.futures.TimeoutError):
                result = self._future.result(timeout=POLL_SECONDS)
                # The last report may have come at any moment before.
                if self._progress != shown:
                    advance(*self._progress)
                return result
            if self._progress != shown:
                shown = self._progress
                advance(*shown)

    def wait(self) -> None:
        """Waits until the file is read, or cannot be."""
        self._thread.join()

    def cancel(self) -> None:
        """Ends the worker if it has not read the file yet; drops what it has read."""
        self._is_cancelled.set()
        self._thread.join()
        if self._future.done() and not self._future.exception():
            self._future.result().file.close()

    def _follow(self) -> None:
        try:
            for message in _messages(self._worker, until=self._is_cancelled):
                if isinstance(message, Done):
                    self._future.set_result(message.value)
                    return
                if isinstance(message.value, Hashed):
                    self.content = self.content._replace(sha256=message.value.sha256)
                    # Hashing is not limited: it takes long for a large file on a slow disk only.
                    self._worker.restart_clock()
                    continue
                self._progress = message.value
                self._worker.allow(self._allowed(self._progress[1]))
            self._worker.end()
        except Exception as error:
            self._future.set_exception(error)


def _messages(
    worker: WorkerProcess, *, until: threading.Event | None = None
) -> Iterator[Report | Done]:
    """The messages on the current item, up to its result, or until the event is set.

    Raises `Reject` if there is no result.
    """
    while until is None or not until.is_set():
        worker.connection.poll(POLL_SECONDS)
        message = worker.message()
        if message is None:
            continue
        if isinstance(message, Fault):
            raise Reject(message.kind, message.detail)
        if isinstance(message, Done) and isinstance(message.value, Exception):
            raise message.value
        yield message
        if isinstance(message, Done):
            return
