"""A process that prepares one file after the other and may die, hang or swell: it costs a reject.

It looks after nothing but its file. Who started it counts the seconds, kills it, and says what
became of the file; the memory is limited by the kernel.
"""

import contextlib
import math
import multiprocessing
import os
import resource
import signal
import time
import traceback
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from avsync.media.landmarks.base import FaceDetector, load_detector
from avsync.media.rejects import Reject
from avsync.preparation.clips import prepare_clip
from avsync.preparation.store import save
from avsync.types import MediaFile

# Started afresh: a process forked from one that has the threads of TensorFlow or JAX may hang.
PROCESSES = multiprocessing.get_context("spawn")

# To start a process and load its detector. It takes a second or two, on a busy disk far longer.
START_SECONDS = 300.0

# A worker whose parent was killed ends itself, so much later than its parent would have done it.
GRACE_SECONDS = 60

# A process that waits for a disk that is gone cannot be killed; the job goes on without it.
KILL_SECONDS = 10.0


class Limits(NamedTuple):
    """What a file may take, else it is rejected.

    GRID takes 0.2 seconds a clip, a minute of 1920 x 1080 pixels some minutes. Pictures are
    refused that need more than 1 GiB, and are held twice for a moment. `gigabytes` come on top of
    what the worker holds beforehand, and are kept by Linux alone.
    """

    seconds: float = 900.0
    gigabytes: float = 4.0


DEFAULT_LIMITS = Limits()


class Task(NamedTuple):
    """What a worker has to know: how clips are made, and the folder where they are stored."""

    clips: Path
    detector: str
    limits: Limits = DEFAULT_LIMITS


class Outcome(NamedTuple):
    """What became of a file: its clip of `num_frames` is stored if `reject` is None."""

    media: MediaFile
    reject: Reject | None
    num_frames: int = 0


class _Ready(NamedTuple):
    """A worker has its detector; if it dies from now on, the file in its hand is to blame."""


class _Failure(NamedTuple):
    """The job cannot be done: a package is missing, the disk is full."""

    message: str


class Worker:
    """A process and the file that it has in hand, `media` first."""

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
        """The next file, once there is an outcome for the one before."""
        self._media, self._since = media, time.monotonic()
        # One that died meanwhile is found out when it is asked for the outcome.
        with contextlib.suppress(OSError):
            self.connection.send(media)

    def outcome(self) -> Outcome | None:
        """What became of the file in hand; None while the process is at work.

        ValueError if no file at all can be prepared, RuntimeError if the process does not start.
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
        """Whether the process can take another file; one that lacked memory is in pieces."""
        return self.process.is_alive() and not self._is_spent

    def end(self) -> None:
        """Kills the process: it ignores what is milder."""
        self.process.kill()
        self.process.join(KILL_SECONDS)
        self.connection.close()

    def _died(self) -> Outcome:
        self.process.join()
        code = self.process.exitcode or 0
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        if not self._is_ready:
            raise RuntimeError(f"a worker process died at its start by {how}")
        return Outcome(self._media, Reject("crashed", f"the process died by {how}"))


def _serve(connection: Connection, task: Task) -> None:
    """What a worker does until its parent is gone."""
    # Both reach every process of a job at once. A worker that died of them before its parent does
    # would be taken for one that crashed on its file.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.SIG_IGN)
    with contextlib.suppress(EOFError, OSError):  # the parent has gone
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
    """The kernel refuses this process more than it has now and so much: a MemoryError in Python.

    What is limited is memory that can be written to, whether it was or not. The whole address
    space would count the files of libraries too; what is resident can only be watched, and a worker
    fills gigabytes between two looks.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # gigabytes on disk for each that crashes
    pages = Path("/proc/self/statm")
    if pages.is_file():
        held = int(pages.read_text().split()[5]) * resource.getpagesize()
        limit = held + round(gigabytes * 2**30)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _answer(media: MediaFile, detector: FaceDetector, task: Task) -> Outcome | _Failure:
    try:
        return _prepare(media, detector, task)
    except Reject as reject:
        # FFmpeg's own lack of memory looks like a broken file.
        lacks_memory = isinstance(reject.__cause__, MemoryError)
        return Outcome(media, _too_much(task.limits) if lacks_memory else reject)
    except MemoryError:
        return Outcome(media, _too_much(task.limits))
    except Exception as error:  # one file of a million must not end the job
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
    """Libraries of a process started in here use one thread: the workers fill the cores."""
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
