"""Worker processes with limits of time and memory; one that dies costs only its current item.

A worker only does its work. Its parent measures the time, kills it, and records the outcome; the
kernel limits the memory. Files from strangers are decoded in such processes.
"""

import atexit
import contextlib
import math
import multiprocessing
import os
import signal
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple

from avsync.limits import limit_memory

# Spawned: a process forked from one with threads of TensorFlow or JAX may hang.
PROCESSES = multiprocessing.get_context("spawn")

# Starting a process and loading its detector takes a second or two, on a busy disk far longer.
START_SECONDS = 300.0

# A worker that no longer hears of its parent ends itself, this much later than the parent would
# have done.
GRACE_SECONDS = 60

# A process that waits for a lost disk cannot be killed; the job continues without it.
KILL_SECONDS = 10.0

# How often time limits are checked.
POLL_SECONDS = 0.2

# They reach every process of a job at once. A worker that died of one before its parent would be
# reported as crashed on its file.
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# `work(item, report)` in the worker: `report(value)` sends values on the way, what it returns is
# the result.
Work = Callable[[Any, Callable[[Any], None]], Any]


# Held while the environment is changed: several threads start processes.
_STARTING = threading.Lock()

# One process that runs a model keeps no more workers busy; several share a job.
MAX_WORKERS = 16


class JobError(ValueError):
    """The whole job cannot be done: a package is missing, a disk is full."""


class WithFile(NamedTuple):
    """A result with an open file. The file needs no name: the worker passes its descriptor."""

    value: Any
    file: IO[bytes]


class Report(NamedTuple):
    """A value that the work reported on the way."""

    value: Any


class Done(NamedTuple):
    """The result for one item; an exception, if the work raised one that was expected."""

    value: Any


class Fault(NamedTuple):
    """Why there is no result for an item: the limits, a crash, or an unexpected error."""

    kind: Literal["crashed", "timed_out", "out_of_memory", "failed"]
    detail: str


class _Ready(NamedTuple):
    """The worker can take items; if it dies from now on, its current item has a fault."""


class _Failure(NamedTuple):
    message: str


class _FileFollows(NamedTuple):
    value: Any


class WorkerProcess:
    """A worker process, which takes one item at a time.

    `start` is called in the process and returns the work; it must be picklable, as must be all
    items, reports and results. Exceptions of type `expected` are results.
    """

    def __init__(
        self,
        start: Callable[[], Work],
        *,
        seconds: float,
        gigabytes: float,
        expected: type[Exception],
    ):
        self.connection, theirs = PROCESSES.Pipe()
        self._seconds = self._allowed_seconds = seconds
        target = _Serve(start, seconds=seconds, gigabytes=gigabytes, expected=expected)
        self.process = PROCESSES.Process(target=target, args=(theirs,), daemon=True)
        with one_thread_each():
            self.process.start()
        theirs.close()  # so that the connection ends with the process
        # multiprocessing ends its processes by SIGTERM, which they ignore, and waits for them.
        atexit.register(self.end)
        self._is_ready = self._is_spent = False
        self._since = time.monotonic()

    def give(self, item: Any) -> None:
        """Sends the next item, once the outcome of the previous one is known."""
        self._since, self._allowed_seconds = time.monotonic(), self._seconds
        # If the process has died meanwhile, `message` reports it.
        with contextlib.suppress(OSError):
            self.connection.send(item)

    def allow(self, seconds: float) -> None:
        """Sets the time that the current item may take, instead of the limit."""
        self._allowed_seconds = seconds

    def restart_clock(self) -> None:
        """Gives the current item its whole time from now on."""
        self._since = time.monotonic()

    def excuse(self, seconds: float) -> None:
        """Leaves out of the time of the current item what the parent spent on its reports."""
        self._since += seconds

    def message(self) -> Report | Done | Fault | None:
        """The next message about the current item; None while the process is busy.

        Raises `JobError` if the job cannot be done, or the process does not start.
        """
        while self.connection.poll():
            try:
                message = self.connection.recv()
                if isinstance(message, _FileFollows):
                    message = Done(WithFile(message.value, _receive_file(self.connection)))
            except (EOFError, OSError):
                return self._died()
            if isinstance(message, _Failure):
                raise JobError(message.message)
            if isinstance(message, Report | Done):
                return message
            if isinstance(message, Fault):
                self._is_spent = message.kind == "out_of_memory"
                return message
            self._is_ready, self._since = True, time.monotonic()
        limit = self._allowed_seconds if self._is_ready else START_SECONDS
        if time.monotonic() - self._since <= limit:
            return None
        if not self._is_ready:
            raise JobError(f"a worker process was not ready after {limit:.0f} s")
        self.end()
        return Fault("timed_out", f"not done after {limit:g} s")

    def is_usable(self) -> bool:
        """Return whether the process can take another item; not after it ran out of memory."""
        return self.process.is_alive() and not self._is_spent

    def end(self) -> None:
        """Kills the process, which ignores SIGTERM."""
        atexit.unregister(self.end)
        self.process.kill()
        self.process.join(KILL_SECONDS)
        self.connection.close()

    def _died(self) -> Fault:
        self.process.join()
        code = self.process.exitcode or 0
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        if not self._is_ready:
            raise JobError(f"a worker process died while starting ({how})")
        return Fault("crashed", f"the worker process died ({how})")


def default_workers() -> int:
    """One per core that this process may use, at most `MAX_WORKERS`.

    In a container, these are not all cores of the machine.
    """
    can_tell = hasattr(os, "sched_getaffinity")  # Linux
    return min(len(os.sched_getaffinity(0)) if can_tell else os.cpu_count() or 1, MAX_WORKERS)


def described(error: BaseException) -> str:
    """An unexpected error with its place: "TypeError at decode.py:12: message"."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(where.filename).name}:{where.lineno}: {error}"


class _Serve(NamedTuple):
    """What runs in the process: does the work until the parent is gone."""

    start: Callable[[], Work]
    seconds: float
    gigabytes: float
    expected: type[Exception]

    def __call__(self, connection: Connection) -> None:
        for ending in ENDING_SIGNALS:
            signal.signal(ending, signal.SIG_IGN)
        threading.Thread(target=_end_with_parent, daemon=True).start()
        with contextlib.suppress(EOFError, OSError):  # the parent is gone
            try:
                work = self.start()
            except ValueError as error:
                connection.send(_Failure(str(error)))
                return
            limit_memory(self.gigabytes)
            connection.send(_Ready())
            while True:
                item = connection.recv()
                self._rearm()
                answer = self._answer(work, item, connection)
                if isinstance(answer, Done) and isinstance(answer.value, WithFile):
                    _send_with_file(connection, answer.value)
                else:
                    connection.send(answer)
                signal.alarm(0)

    def _answer(self, work: Work, item: Any, connection: Connection) -> Done | Fault | _Failure:
        def report(value: Any) -> None:
            self._rearm()
            connection.send(Report(value))

        try:
            return Done(work(item, report))
        except (JobError, BrokenPipeError) as error:
            return _Failure(str(error))
        except Exception as error:  # one file of a million must not end the job
            # FFmpeg reports its own lack of memory like a broken file.
            if isinstance(error, MemoryError) or isinstance(error.__cause__, MemoryError):
                return Fault("out_of_memory", f"more than {self.gigabytes:g} GiB are needed")
            if isinstance(error, self.expected):
                return Done(error)
            return Fault("failed", described(error))

    def _rearm(self) -> None:
        # Should `_end_with_parent` not get its turn, because a library holds the interpreter.
        signal.alarm(math.ceil(self.seconds) + GRACE_SECONDS)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGKILL)


def _send_with_file(connection: Connection, result: WithFile) -> None:
    """Sends the result and the descriptor of its file, which stays open at the other end."""
    with result.file as file:
        file.flush()
        connection.send(_FileFollows(result.value))
        with socket.socket(fileno=os.dup(connection.fileno())) as channel:
            socket.send_fds(channel, [b"\0"], [file.fileno()])


def _receive_file(connection: Connection) -> IO[bytes]:
    with socket.socket(fileno=os.dup(connection.fileno())) as channel:
        _, (descriptor, *_), _, _ = socket.recv_fds(channel, 1, 1)
    return os.fdopen(descriptor, "rb")


@contextlib.contextmanager
def one_thread_each() -> Iterator[None]:
    """Processes started and libraries loaded inside use one thread: the workers fill the cores.

    A library may ask OpenMP for a number of threads; only OMP_THREAD_LIMIT bounds that.
    """
    names = ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    with _STARTING:
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
