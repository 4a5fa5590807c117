"""Fetches the files of mirrored datasets while tf.data reads them; keeps what went wrong.

TensorFlow turns an exception of a Python function into an error of its own, with a traceback for a
message.

A thread of TensorFlow that calls Python while the interpreter ends never returns, and the process
would wait for it for ever. A training ends with data read ahead, perhaps in the middle of a shard:
at the end of the process, files are no longer fetched, and nobody waits for those under way.
"""

import atexit
import functools
import threading
from collections.abc import Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Any

import tensorflow as tf

from avsync.mirror import local_file

POLL_SECONDS = 0.1

# What is read ahead is a few elements, whose errors come within milliseconds.
QUIET_SECONDS, MAX_SECONDS = 0.3, 5.0

_failures: list[OSError | ValueError] = []
_ending = threading.Event()


class _Calls:
    """The calls of TensorFlow: how many there are now, and when the last one returned."""

    def __init__(self):
        self._lock, self._num, self._last = threading.Lock(), 0, monotonic()

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Counts a call."""
        with self._lock:
            self._num += 1
        try:
            yield
        finally:
            with self._lock:
                self._num, self._last = self._num - 1, monotonic()

    def are_over(self) -> bool:
        """True if there is no call and has been none for `QUIET_SECONDS`."""
        with self._lock:
            return not self._num and monotonic() - self._last > QUIET_SECONDS


_calls = _Calls()


def fetched(path: Any) -> tf.Tensor:
    """The path of a mirrored file, after it is fetched; a node of a tf.data graph."""
    _end_with_process()
    return tf.ensure_shape(tf.numpy_function(_fetch, [path], tf.string), [])


def take_failure() -> OSError | ValueError | None:
    """Why a file could not be fetched; None if all could, or if it was taken before."""
    return _failures.pop() if _failures else None


@functools.cache
def _end_with_process() -> None:
    atexit.register(_end)


def _end() -> None:
    _ending.set()
    until = monotonic() + MAX_SECONDS
    while not _calls.are_over() and monotonic() < until:
        sleep(POLL_SECONDS)


def _fetch(path: bytes) -> bytes:
    with _calls.counted():
        done: Future[str] = Future()
        if not _ending.is_set():
            threading.Thread(target=_run, args=(path.decode(), done), daemon=True).start()
        while not _ending.is_set():
            if not wait([done], POLL_SECONDS).done:
                continue
            try:
                return done.result().encode()
            except (OSError, ValueError) as error:
                _failures.append(error)
                raise
        return path  # of no file, for which TensorFlow has an error of its own


def _run(path: str, done: Future[str]) -> None:
    try:
        done.set_result(local_file(path))
    except Exception as error:  # raised again by the caller
        done.set_exception(error)
