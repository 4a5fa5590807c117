"""Reports the metrics of updates, one update behind: the device never waits for the log."""

import contextlib
import json
import math
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax

from avsync.files import atomic_write
from avsync.runtime import Progress
from avsync.train.meter import Meter, Rates
from avsync.train.writer import MetricsWriter

# The fields of a report that depend on the machine.
MEASURED = ("frames_per_second", *Rates._fields)

# The entries of `count_parameters` that are not parts of a model.
TOTALS = ("total", "trained")


class _Report(NamedTuple):
    step: int
    metrics: Any
    clip_ids: list[str]


class Reporter:
    """Shows the loss of each update; writes a line to metrics.jsonl every `every` updates.

    frames_per_second counts the frames in the loss, over all devices.
    """

    def __init__(
        self, writer: MetricsWriter, progress: Progress, meter: Meter, *, every: int, workdir: Path
    ):
        self._writer, self._progress, self._meter = writer, progress, meter
        self._every, self._workdir = every, workdir
        self._pending: _Report | None = None
        self._since, self._num_frames = time.monotonic(), 0
        self._pace = ""

    def report_before(self, step: int, metrics: Any, clip_ids: list[str]) -> None:
        """Reads the metrics of the update before `step` while `step` runs."""
        self.flush()
        self._pending = _Report(step, metrics, clip_ids)

    def flush(self) -> None:
        """Reads the pending metrics. ValueError if a loss or gradient is not finite."""
        if self._pending is None:
            return
        step, metrics, clip_ids = self._pending
        self._pending = None
        # Plain numbers: a jnp call would queue behind the running update.
        values = {name: value.item() for name, value in jax.device_get(metrics).items()}
        if not all(map(math.isfinite, values.values())):
            self._refuse(step, values, clip_ids)
        self._meter.note_finished()
        self._num_frames += values["num_frames"]
        if step % self._every == 0:
            now = time.monotonic()
            pace, rates = self._num_frames / max(now - self._since, 1e-9), self._meter.rates()
            self._pace = _pace_in_words(pace, rates)
            shares = {name: round(share, 4) for name, share in rates._asdict().items()}
            self._writer.write(
                step, split="train", **values, frames_per_second=round(pace, 1), **shares
            )
            self._since, self._num_frames = now, 0
        note = f"loss {values['loss']:.3f}, lr {values['learning_rate']:.2e}{self._pace}"
        self._progress.advance_to(step, note)

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Reads the pending metrics; the time within is not counted as time of updates."""
        self.flush()
        began = time.monotonic()
        with self._meter.paused():
            yield
        self._since += time.monotonic() - began

    def _refuse(self, step: int, values: dict[str, float], clip_ids: list[str]) -> None:
        # Each process reads its own clips.
        process = jax.process_index()
        path = self._workdir / (f"nan_batch_{process}.json" if process else "nan_batch.json")
        texts = {name: repr(value) for name, value in values.items()}
        atomic_write(path, json.dumps({"step": step, **texts, "clip_ids": clip_ids}, indent=2))
        raise ValueError(
            f"update {step}: the loss is {values['loss']} and the gradient norm "
            f"{values['gradient_norm']}. Check the clips of its batch, listed in {path}; lower "
            "config.optim.learning_rate, or set config.optim.max_gradient_norm. The last "
            "checkpoint is intact."
        )


def parameters_in_words(counts: Mapping[str, int]) -> str:
    """`count_parameters` as a line for the log."""
    total, trained = counts["total"], counts["trained"]
    parts = ", ".join(f"{name} {n:,}" for name, n in counts.items() if name not in TOTALS)
    frozen = f", {trained:,} of them trained" if trained < total else ""
    return f"{total:,} parameters ({parts}){frozen}"


def _pace_in_words(pace: float, rates: Rates) -> str:
    """Speed and utilisation: they show whether data or the device is the bottleneck."""
    waited, busy, mfu = (f"{share:.0%}" for share in rates)
    return f", {pace:,.0f} frames/s, waiting for data {waited}, device busy {busy}, mfu {mfu}"
