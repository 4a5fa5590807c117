"""A profile of some updates, as TensorBoard and Perfetto show it."""

from pathlib import Path
from typing import Any

import jax

FOLDER = "profile"

# Updates that are run before: the first are compiled, and the pipeline fills up.
WARM_UP = 5


class Profiler:
    """Traces `num_steps` updates into workdir/profile, once a few have been run; 0: none.

    Use as a context manager: a training that ends before closes its trace.
    """

    def __init__(self, workdir: Path, *, num_steps: int):
        self._path, self._left = workdir / FOLDER, num_steps
        self._num_seen = 0
        self._is_tracing = False

    def __enter__(self) -> "Profiler":
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def after(self, metrics: Any) -> None:
        """To be called after each update, with what it gives."""
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
