"""Measures how long the devices work and how long they wait for data."""

import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import jax

from avsync import parallel
from avsync.train.flops import count_flops, measured_peak
from avsync.types import Batch


class Rates(NamedTuple):
    """Fractions of the time since the last reading, 0 to 1.

    data_wait: time in which the devices were idle because no batch was ready.
    device_busy: time in which the devices ran updates.
    mfu: operations done over operations possible at peak: see avsync.train.flops.
    """

    data_wait: float
    device_busy: float
    mfu: float


class _Update(NamedTuple):
    wait_began: float
    wait_ended: float
    dispatched: float
    finished: Future[float]
    peak_seconds: float


class Meter:
    """Runs a mapped update and times it without blocking.

    Use as a context manager. A separate thread waits for the end of each update, so that a device
    that finishes long before its metrics are read counts as idle.
    """

    def __init__(self, update: Callable[..., Any]):
        self._update = update
        self._watcher = ThreadPoolExecutor(max_workers=1)
        self._running: deque[_Update] = deque()
        self._peaks: dict[str, float] = {}
        self._peak_seconds: dict[Any, float] = {}
        self._wait = (0.0, 0.0)
        self._since = self._last_finished = time.monotonic()
        self._waited = self._busy = self._used = 0.0

    def __enter__(self) -> "Meter":
        return self

    def __exit__(self, *_: object) -> None:
        self._watcher.shutdown()

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """A context for reading the next batch."""
        began = time.monotonic()
        yield
        self._wait = (began, time.monotonic())

    def run(self, state: Any, batch: Batch) -> tuple[Any, Any]:
        """Starts the update on this host's `batch`; returns its future state and metrics."""
        placed = parallel.shard_batch(batch)
        shapes = tuple(x.shape for x in jax.tree.leaves(placed))
        is_new = shapes not in self._peak_seconds
        if is_new:
            self._peak_seconds[shapes] = self._at_peak(state, placed)
        dispatched = time.monotonic()
        # Implicit transfers between host and device would block: they are errors.
        with jax.transfer_guard("disallow"):
            state, metrics = self._update(state, placed)
        if is_new:
            dispatched = time.monotonic()  # excludes the compilation
        finished = self._watcher.submit(_finish, metrics)
        self._running.append(_Update(*self._wait, dispatched, finished, self._peak_seconds[shapes]))
        return state, metrics

    def note_finished(self) -> None:
        """Called for each update in turn when its metrics are read."""
        update = self._running.popleft()
        free_since, finished = self._last_finished, update.finished.result()
        self._busy += finished - max(free_since, update.dispatched)
        self._waited += max(0.0, update.wait_ended - max(free_since, update.wait_began))
        self._used += update.peak_seconds
        self._last_finished = finished

    def rates(self) -> Rates:
        """The rates over the updates whose end was noted since the last call."""
        seconds = max(self._last_finished - self._since, 1e-9)
        rates = Rates(self._waited / seconds, self._busy / seconds, self._used / seconds)
        self._since = self._last_finished
        self._waited = self._busy = self._used = 0.0
        return rates

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """A context whose time is not counted; the end of all updates must have been noted."""
        began = time.monotonic()
        yield
        paused = time.monotonic() - began
        self._since += paused
        self._last_finished += paused

    def _at_peak(self, state: Any, batch: Any) -> float:
        """Seconds that the update of a batch of this shape takes at the peak rate."""
        flops = count_flops(self._update, state, batch)
        for dtype in flops:
            if dtype not in self._peaks:
                self._peaks[dtype] = measured_peak(dtype)
        return sum(count / self._peaks[dtype] for dtype, count in flops.items())


def _finish(metrics: Any) -> float:
    jax.block_until_ready(metrics)
    return time.monotonic()
