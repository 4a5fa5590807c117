"""Worker processes with time and memory limits; a crash rejects only the worker's current file.

A worker only prepares its files. Its parent measures the time, kills it, and records the outcome;
the kernel limits the memory.
"""

import contextlib
import errno
import itertools
import math
import multiprocessing
import os
import resource
import signal
import time
import traceback
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import NamedTuple

from avsync.media.landmarks.base import FaceDetector, load_detector
from avsync.media.rejects import Reject
from avsync.preparation.clips import prepare_clip
from avsync.preparation.journal import Entry, Journal
from avsync.preparation.store import save
from avsync.types import MediaFile

# Spawned: a process forked from one with threads of TensorFlow or JAX may hang.
PROCESSES = multiprocessing.get_context("spawn")

# Starting a process and loading its detector takes a second or two, on a busy disk far longer.
START_SECONDS = 300.0

# A worker whose parent was killed ends itself, this much later than its parent would have done.
GRACE_SECONDS = 60

# A process that waits for a lost disk cannot be killed; the job continues without it.
KILL_SECONDS = 10.0

# How often time limits are checked.
POLL_SECONDS = 0.2


class Limits(NamedTuple):
    """The time and memory that one file may take; a file that needs more is rejected.

    A GRID clip takes 0.2 s, a minute of 1920 x 1080 pixels some minutes. `gigabytes` (GiB) come on
    top of what the worker holds beforehand, and are enforced on Linux only.
    """

    seconds: float = 900.0
    gigabytes: float = 4.0


DEFAULT_LIMITS = Limits()


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


class _Ready(NamedTuple):
    """The worker has loaded its detector; if it dies from now on, its current file is rejected."""


class _Failure(NamedTuple):
    """The job cannot be done: a package is missing, the disk is full."""

    message: str


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
    """A worker process and its current file, initially `media`."""

    def __init__(self, media: MediaFile, task: Task):
        self._limits = task.limits
        self.connection, theirs = PROCESSES.Pipe()
        self.process = PROCESSES.Process(target=_serve, args=(theirs, task), daemon=True)
        with _one_thread_each():
            self.process.start()
        theirs.close()  # so that the connection ends with the process
        self._is_ready = self._is_spent = False
        self.give(media)

    def give(self, media: MediaFile) -> None:
        """Sends the next file, once the outcome of the previous one is known."""
        self._media, self._since = media, time.monotonic()
        # If the process has died meanwhile, `outcome` reports it.
        with contextlib.suppress(OSError):
            self.connection.send(media)

    def outcome(self) -> Outcome | None:
        """Returns the outcome of the current file; None while the process is busy.

        Raises ValueError if no file can be prepared, RuntimeError if the process does not
        start.
        """
        while self.connection.poll():
            try:
                message = self.connection.recv()
            except (EOFError, OSError):
                return self._died()
            if isinstance(message, Outcome):
                self._is_spent = bool(message.reject) and message.reject.reason == "out_of_memory"
                return message
            if isinstance(message, _Failure):
                raise ValueError(message.message)
            self._is_ready, self._since = True, time.monotonic()
        limit = self._limits.seconds if self._is_ready else START_SECONDS
        if time.monotonic() - self._since <= limit:
            return None
        if not self._is_ready:
            raise RuntimeError(f"a worker process was not ready after {limit:.0f} s")
        self.end()
        return Outcome(self._media, Reject("timed_out", f"not done after {limit:g} s"))

    def is_usable(self) -> bool:
        """Return whether the process can take another file; not after it ran out of memory."""
        return self.process.is_alive() and not self._is_spent

    def end(self) -> None:
        """Kills the process, which ignores SIGTERM."""
        self.process.kill()
        self.process.join(KILL_SECONDS)
        self.connection.close()

    def _died(self) -> Outcome:
        self.process.join()
        code = self.process.exitcode or 0
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        if not self._is_ready:
            raise RuntimeError(f"a worker process died while starting ({how})")
        return Outcome(self._media, Reject("crashed", f"the worker process died ({how})"))


def _serve(connection: Connection, task: Task) -> None:
    """Prepares files until the parent is gone."""
    # These signals reach every process of a job at once. A worker that died of one before its
    # parent would be reported as crashed on its file.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.SIG_IGN)
    with contextlib.suppress(EOFError, OSError):  # the parent is gone
        try:
            detector = load_detector(task.detector)
        except ValueError as error:
            connection.send(_Failure(str(error)))
            return
        _limit_memory(task.limits.gigabytes)
        connection.send(_Ready())
        while True:
            media = connection.recv()
            signal.alarm(math.ceil(task.limits.seconds) + GRACE_SECONDS)
            connection.send(_answer(media, detector, task))
            signal.alarm(0)


def _limit_memory(gigabytes: float) -> None:
    """Lets the process allocate this much more; beyond that, Python raises MemoryError.

    The limit is on writable memory, whether it was written or not. The whole address space would
    include the files of libraries; resident memory can only be polled, and a worker fills gigabytes
    between two polls.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would fill gigabytes of disk
    pages = Path("/proc/self/statm")
    if pages.is_file():
        num_bytes_before = (
            int(pages.read_text(encoding="utf-8").split()[5]) * resource.getpagesize()
        )
        limit = num_bytes_before + round(gigabytes * 2**30)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _answer(media: MediaFile, detector: FaceDetector, task: Task) -> Outcome | _Failure:
    try:
        return _prepare(media, detector, task)
    except Reject as reject:
        # FFmpeg reports its own lack of memory like a broken file.
        lacks_memory = isinstance(reject.__cause__, MemoryError)
        return Outcome(media, _too_much(task.limits) if lacks_memory else reject)
    except MemoryError:
        return Outcome(media, _too_much(task.limits))
    except Exception as error:  # one file of a million must not end the job
        # Crops of long files go to a temporary file. Where the disk is full, every such file would
        # be rejected, and stay so in later runs.
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return _Failure(f"cannot buffer the crops of {media.path}: {error}; set TMPDIR")
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(where.filename).name}:{where.lineno}"
        detail = f"{type(error).__name__} at {place}: {error}"
        return Outcome(media, Reject("failed", detail))


def _prepare(media: MediaFile, detector: FaceDetector, task: Task) -> Outcome | _Failure:
    clip = prepare_clip(media, detector=detector)
    try:
        save(clip, task.clips, file_name=media.path.name)
    except OSError as error:
        return _Failure(f"cannot write the clip of {media.path}: {error}")
    return Outcome(media, None, num_frames=len(clip.frames))


def _too_much(limits: Limits) -> Reject:
    return Reject("out_of_memory", f"more than {limits.gigabytes:g} GiB are needed")


@contextlib.contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes started inside use one thread per library: the workers fill the cores."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
