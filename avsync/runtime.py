"""The process around the work: which host this is, what it runs on, how it shows progress."""

import json
import platform
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import jax
import tensorflow as tf
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress

from avsync.types import Host

PLAIN_LINE_SECONDS = 10.0


def start() -> None:
    """To be called first by every binary that runs a model: leaves the accelerators to JAX.

    JAX finds its devices here; ValueError if there are none of the kind that was asked for.
    """
    tf.config.set_visible_devices([], "GPU")
    tf.config.set_visible_devices([], "TPU")
    try:
        jax.devices()
    except RuntimeError as error:  # JAX_PLATFORMS names a platform that is not there
        raise ValueError(f"JAX finds no device: {error}") from error


def this_host() -> Host:
    """Which of the job's processes this is."""
    return Host(jax.process_index(), jax.process_count())


def describe() -> dict[str, Any]:
    """What a run needs to be understood later: versions, devices, command, revision."""
    packages = ("avsync", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "tensorflow")
    return {
        "command": sys.argv,
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: metadata.version(name) for name in packages},
        "devices": [str(device) for device in jax.devices()],
        "num_processes": jax.process_count(),
        "revision": _revision(),
    }


def write_environment(workdir: Path) -> None:
    """workdir/environment.json, of the latest start."""
    (workdir / "environment.json").write_text(json.dumps(describe(), indent=2) + "\n")


class Progress:
    """A bar on a terminal; elsewhere a plain line every ten seconds. On stderr."""

    def __init__(self, what: str, *, total: int, done: int = 0):
        self.done = done
        self._what, self._total = what, total
        self._console = Console(stderr=True)
        self._bar: RichProgress | None = None
        self._task: Any = None
        self._said = self._began = time.monotonic()
        self._began_at = done

    def __enter__(self) -> "Progress":
        if self._console.is_terminal:
            self._bar = RichProgress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[note]}"),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                console=self._console,
            )
            self._bar.start()
            self._task = self._bar.add_task(
                self._what, total=self._total, completed=self.done, note=""
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def advance_to(self, done: int, note: str = "") -> None:
        """So many are done; `note` stands beside the bar."""
        self.done = done
        if self._bar:
            self._bar.update(self._task, completed=done, note=note)
        elif time.monotonic() - self._said > PLAIN_LINE_SECONDS or done == self._total:
            self._said = time.monotonic()
            pace = (self._said - self._began) / max(done - self._began_at, 1)
            left = (self._total - done) * pace
            self.say(f"{self._what}: {done}/{self._total} {note} ({left:.0f} s left)")

    def say(self, line: str) -> None:
        """A line of its own, above the bar."""
        self._console.print(line, highlight=False, soft_wrap=True)


def _revision() -> str | None:
    """The git commit that the code was run from, if it was run from a checkout."""
    try:
        done = subprocess.run(
            ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
