"""Metrics of the updates, one update behind: the device never waits for the log."""

import contextlib
import json
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax

from avsync.files import atomic_write
from avsync.runtime import Progress
from avsync.train.meter import Meter, Rates
from avsync.train.writer import MetricsWriter

# What depends on the machine, of the values that are written.
MEASURED = ("frames_per_second", *Rates._fields)


class _Report(NamedTuple):
    step: int
    metrics: Any
    clip_ids: list[str]


class Reporter:
    """Shows each update's loss; writes a line to metrics.jsonl every so many updates.

    Its frames a second are those that the loss was taken of, all devices together.
    """

    def __init__(
        self, writer: MetricsWriter, progress: Progress, meter: Meter, *, every: int, workdir: Path
    ):
        self._writer, self._progress, self._meter = writer, progress, meter
        self._every, self._workdir = every, workdir
        self._waiting: _Report | None = None
        self._since, self._num_frames = time.monotonic(), 0
        self._pace = ""

    def report_before(self, step: int, metrics: Any, clip_ids: list[str]) -> None:
        """Reads the metrics of the update before `step`, while `step` runs."""
        self.flush()
        self._waiting = _Report(step, metrics, clip_ids)

    def flush(self) -> None:
        """Reads what is still waiting. ValueError if a loss or gradient is not finite."""
        if self._waiting is None:
            return
        step, metrics, clip_ids = self._waiting
        self._waiting = None
        # Plain numbers: a jnp call would queue behind the update that is running.
        values = {name: value.item() for name, value in jax.device_get(metrics).items()}
        if not all(map(math.isfinite, values.values())):
            self._refuse(step, values, clip_ids)
        self._meter.note_finished()
        self._num_frames += values["num_frames"]
        if step % self._every == 0:
            now = time.monotonic()
            pace, rates = self._num_frames / max(now - self._since, 1e-9), self._meter.rates()
            self._pace = _in_words(pace, rates)
            shares = {name: round(share, 4) for name, share in rates._asdict().items()}
            self._writer.write(
                step, split="train", **values, frames_per_second=round(pace, 1), **shares
            )
            self._since, self._num_frames = now, 0
        self._progress.advance_to(step, f"loss {values['loss']:.3f}{self._pace}")

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Reads what is still waiting; what is done then is not counted as time of updates."""
        self.flush()
        began = time.monotonic()
        with self._meter.paused():
            yield
        self._since += time.monotonic() - began

    def _refuse(self, step: int, values: dict[str, float], clip_ids: list[str]) -> None:
        # Each process has read clips of its own.
        process = jax.process_index()
        path = self._workdir / (f"nan_batch_{process}.json" if process else "nan_batch.json")
        found = {name: repr(value) for name, value in values.items()}
        atomic_write(path, json.dumps({"step": step, **found, "clip_ids": clip_ids}, indent=2))
        raise ValueError(
            f"update {step} has the loss {values['loss']} and a gradient of norm "
            f"{values['gradient_norm']}; its clips are listed in {path}. Look at them, lower "
            "config.optim.learning_rate or set config.optim.max_gradient_norm. The last "
            "checkpoint is untouched."
        )


def _in_words(pace: float, rates: Rates) -> str:
    """What beside the loss shows at a glance who is the limit."""
    waited, busy, used = (f"{share:.0%}".replace("%", " %") for share in rates)
    return (
        f", {pace:,.0f} frames/s, waiting for data {waited}, device busy {busy}, at {used} of peak"
    )
