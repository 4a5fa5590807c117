"""Metrics of the updates, one update behind: the device never waits for the log."""

import math
import time
from typing import Any

import jax

from avsync.runtime import Progress
from avsync.writer import MetricsWriter


class Reporter:
    """Shows each update's loss; writes a line to metrics.jsonl every so many updates.

    Its frames a second are those that the loss was taken of, all devices together.
    """

    def __init__(self, writer: MetricsWriter, progress: Progress, *, every: int):
        self._writer, self._progress, self._every = writer, progress, every
        self._waiting: tuple[int, Any] | None = None
        self._since, self._num_frames = time.monotonic(), 0

    def report_before(self, step: int, metrics: Any) -> None:
        """Reads the metrics of the update before `step`, while `step` runs."""
        self.flush()
        self._waiting = (step, metrics)

    def flush(self) -> None:
        """Reads what is still waiting. ValueError if a loss is not finite."""
        if self._waiting is None:
            return
        step, metrics = self._waiting
        self._waiting = None
        # Plain numbers: a jnp call would queue behind the update that is running.
        values = {name: value.item() for name, value in jax.device_get(metrics).items()}
        if not math.isfinite(values["loss"]):
            raise ValueError(
                f"the loss of update {step} is {values['loss']}; lower config.optim.learning_rate "
                "or set config.optim.max_gradient_norm. The last checkpoint is untouched."
            )
        self._progress.advance_to(step, f"loss {values['loss']:.3f}")
        self._num_frames += values["num_frames"]
        if step % self._every == 0:
            now = time.monotonic()
            values["frames_per_second"] = round(self._num_frames / max(now - self._since, 1e-9), 1)
            self._writer.write(step, split="train", **values)
            self._since, self._num_frames = now, 0
