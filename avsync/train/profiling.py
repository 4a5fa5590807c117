"""Profiles of some updates, for TensorBoard or Perfetto."""

import contextlib
from pathlib import Path
from typing import Any

import jax

FOLDER = "profile"

# Updates before the trace starts: the first ones compile, and the input pipeline fills up.
WARM_UP = 5


class Profiler:
    """Traces `num_steps` updates into workdir/profile after a warm-up; 0 disables it.

    Use as a context manager: if training ends earlier, it closes the trace.
    """

    def __init__(self, workdir: Path, *, num_steps: int):
        self._path, self._left = workdir / FOLDER, num_steps
        self._num_seen = 0
        self._is_tracing = False

    def __enter__(self) -> "Profiler":
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def annotate(self, step: int) -> contextlib.AbstractContextManager[Any]:
        """A context for update number `step`: TensorBoard groups events and times by such steps."""
        return jax.profiler.StepTraceAnnotation("train", step_num=step)

    def after_update(self, metrics: Any) -> None:
        """Starts or stops the trace; called after each update with its metrics."""
        self._num_seen += 1
        if self._is_tracing:
            self._left -= 1
            if not self._left:
                jax.block_until_ready(metrics)
                self._stop()
        elif self._left and self._num_seen == WARM_UP:
            jax.block_until_ready(metrics)
            jax.profiler.start_trace(str(self._path))
            self._is_tracing = True

    def _stop(self) -> None:
        if self._is_tracing:
            jax.profiler.stop_trace()
            self._is_tracing = False
