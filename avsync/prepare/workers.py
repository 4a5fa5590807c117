"""Processes that prepare clips, any of which may die without taking the job along."""

import contextlib
import itertools
import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import NamedTuple

from avsync.prepare.clips import prepare_clip
from avsync.prepare.landmarks.base import FaceDetector, load_detector
from avsync.prepare.rejects import Reject
from avsync.prepare.store import save
from avsync.types import MediaFile

# GRID takes half a second a clip, a minute of 1920 x 1080 pixels some minutes.
TIME_LIMIT_SECONDS = 900.0

# Started afresh: a process forked from one that has the threads of TensorFlow or JAX may hang.
PROCESSES = multiprocessing.get_context("spawn")


class Outcome(NamedTuple):
    """What became of a file: its clip is stored if `reject` is None."""

    media: MediaFile
    reject: Reject | None


class _Ready(NamedTuple):
    """A worker has its detector; if it dies from now on, the file in its hand is to blame."""


class _Failure(NamedTuple):
    """The job cannot be done: the user's matter, such as a full disk, or a defect and its trace."""

    message: str
    is_defect: bool


def prepare_in_processes(
    media: Iterable[MediaFile],
    directory: Path,
    *,
    detector: str,
    num_workers: int,
    time_limit_seconds: float = TIME_LIMIT_SECONDS,
) -> Iterator[Outcome]:
    """Stores the clip of each file in `directory`; yields what became of the files, as they come.

    A worker that dies, or takes longer than the limit, costs the file that it had in hand. Raises
    ValueError if the detector cannot be had or the clips cannot be written, and RuntimeError, with
    the worker's own traceback, for a defect of ours.
    """
    pending = iter(media)
    workers = [
        _Worker(file, detector, directory) for file in itertools.islice(pending, num_workers)
    ]
    try:
        while workers:
            wait([worker.connection for worker in workers], timeout=1.0)
            for worker in tuple(workers):
                outcome = worker.outcome(time_limit_seconds)
                if outcome is None:
                    continue
                following = next(pending, None)
                if following is not None and worker.process.is_alive():
                    worker.give(following)
                else:
                    worker.end()
                    workers.remove(worker)
                    if following is not None:
                        workers.append(_Worker(following, detector, directory))
                yield outcome
    finally:
        for worker in workers:
            worker.end()


class _Worker:
    """A process and the file that it has in hand."""

    def __init__(self, media: MediaFile, detector: str, directory: Path):
        self.connection, theirs = PROCESSES.Pipe()
        arguments = (theirs, detector, directory)
        self.process = PROCESSES.Process(target=_serve, args=arguments, daemon=True)
        with _one_thread_each():
            self.process.start()
        theirs.close()  # so that the connection ends with the process
        self._is_ready = False
        self.give(media)

    def give(self, media: MediaFile) -> None:
        self._media, self._since = media, time.monotonic()
        # One that died meanwhile is found out when it is asked for the outcome.
        with contextlib.suppress(OSError):
            self.connection.send(media)

    def outcome(self, time_limit_seconds: float) -> Outcome | None:
        """What became of the file in hand; None while it is at work."""
        while self.connection.poll():
            try:
                message = self.connection.recv()
            except (EOFError, OSError):
                return self._died()
            if isinstance(message, Outcome):
                return message
            if isinstance(message, _Failure):
                raise (RuntimeError if message.is_defect else ValueError)(message.message)
            self._is_ready = True
        if time.monotonic() - self._since > time_limit_seconds:
            self.end()
            detail = f"not done after {time_limit_seconds:.0f} s"
            return Outcome(self._media, Reject("timed_out", detail))
        return None

    def end(self) -> None:
        """Kills the process: it ignores what is milder."""
        self.process.kill()
        self.process.join()
        self.connection.close()

    def _died(self) -> Outcome:
        self.process.join()
        code = self.process.exitcode or 0
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        if not self._is_ready:
            raise RuntimeError(f"a worker process died at its start by {how}")
        return Outcome(self._media, Reject("crashed", f"the process died by {how}"))


def _serve(connection: Connection, detector: str, directory: Path) -> None:
    """What a worker does until its parent is gone."""
    # Both reach every process of a job at once. A worker that died of them before its parent does
    # would be taken for one that crashed on its file.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.SIG_IGN)
    with contextlib.suppress(EOFError, OSError):  # the parent has gone
        try:
            loaded = load_detector(detector)
        except ValueError as error:
            connection.send(_Failure(str(error), is_defect=False))
            return
        connection.send(_Ready())
        while True:
            connection.send(_answer(connection.recv(), loaded, directory))


def _answer(media: MediaFile, detector: FaceDetector, directory: Path) -> Outcome | _Failure:
    try:
        clip = prepare_clip(media, detector=detector)
    except Reject as reject:
        return Outcome(media, reject)
    except Exception:  # passed on, not swallowed: the parent raises it
        trace = traceback.format_exc()
        return _Failure(f"while {media.path} was prepared:\n{trace}", is_defect=True)
    try:
        save(clip, directory)
    except OSError as error:
        message = f"cannot write the clip of {media.path}: {error}"
        return _Failure(message, is_defect=False)
    return Outcome(media, None)


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
