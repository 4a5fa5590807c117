"""Preemption by SIGTERM, as Slurm, Kubernetes and preemptible machines send it.

The training saves a checkpoint and exits with a status of its own, on which launch scripts start it
again.
"""

import signal
from typing import Any

import jax
from jax.experimental import multihost_utils


class Preempted(Exception):
    """The job was preempted; its progress is saved."""


class Preemption:
    """Watches for SIGTERM; a context manager for the main thread.

    With several processes, a signal to any of them stops all after the same update.
    """

    def __init__(self) -> None:
        self._is_signalled = False
        self._previous_handler: Any = None

    def __enter__(self) -> "Preemption":
        # In a multi-process job JAX handles the signal itself.
        if not jax.distributed.is_initialized():
            self._previous_handler = signal.signal(signal.SIGTERM, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        if self._previous_handler is not None:
            signal.signal(signal.SIGTERM, self._previous_handler)

    def is_due(self, step: int) -> bool:
        """Return whether to save and exit now; every process must ask after every update."""
        if jax.distributed.is_initialized():
            return multihost_utils.reached_preemption_sync_point(step)
        return self._is_signalled

    def _on_signal(self, *_: object) -> None:
        self._is_signalled = True
