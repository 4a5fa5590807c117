"""A job that is told to end: SIGTERM, as Slurm, Kubernetes and preempted machines send it.

The training saves and ends with a status of its own, by which launch scripts start it again.
"""

import signal
from typing import Any

import jax
from jax.experimental import multihost_utils


class Preempted(Exception):
    """The job was told to end, and what was done so far is saved."""


class Preemption:
    """Whether the job was told to end. Use as a context manager, in the main thread.

    Of several processes it is enough that one is told: all then end after the same update.
    """

    def __init__(self) -> None:
        self._is_told = False
        self._before: Any = None

    def __enter__(self) -> "Preemption":
        # Of several processes, JAX watches for the signal itself.
        if not jax.distributed.is_initialized():
            self._before = signal.signal(signal.SIGTERM, self._tell)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)

    def is_due(self, step: int) -> bool:
        """Whether to save and end now. To be asked by all processes after every update."""
        if jax.distributed.is_initialized():
            return multihost_utils.reached_preemption_sync_point(step)
        return self._is_told

    def _tell(self, *_: object) -> None:
        self._is_told = True
