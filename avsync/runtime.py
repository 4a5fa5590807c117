"""The process around the work: which of how many it is, what it runs on, how it shows progress.

A launcher says by the environment that there are several processes (launch/README.md):

AVSYNC_PROCESSES          how many, with the two below; or "auto", where JAX itself can tell, as on
                          Slurm and on TPU pods; unset or 1: this one alone
AVSYNC_PROCESS_INDEX      which of them this is, from 0
JAX_COORDINATOR_ADDRESS   HOST:PORT, of the machine of process 0
"""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
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

PROCESSES, PROCESS_INDEX = "AVSYNC_PROCESSES", "AVSYNC_PROCESS_INDEX"
COORDINATOR = "JAX_COORDINATOR_ADDRESS"
COMPILED = "JAX_COMPILATION_CACHE_DIR"

# A process that fails waits so long for the others, which wait for it, before it ends.
SHUTDOWN_SECONDS = 60


def start() -> None:
    """Prepares the process for JAX; every binary that runs a model calls it after its imports.

    Keeps TensorFlow off the accelerators if it has been imported, sets JAX's compilation cache, and
    joins the other processes of the job if the launcher names any. ValueError if JAX finds no
    device of the kind asked for.
    """
    _hide_accelerators_from_tensorflow()
    if COMPILED not in os.environ:
        jax.config.update("jax_compilation_cache_dir", str(default_compiled(os.environ)))
    join_job(os.environ)
    try:
        jax.devices()
    except RuntimeError as error:  # JAX_PLATFORMS names a platform that is not there
        raise ValueError(f"JAX finds no device: {error}") from error
    # On CPUs the processes have 30 s to reach their first exchange: here all have just met.
    wait_for_all()


def join_job(environment: Mapping[str, str]) -> None:
    """Makes this one of the processes that the environment names; ValueError if it is unclear."""
    processes = environment.get(PROCESSES, "")
    options: dict[str, Any] = {"shutdown_timeout_seconds": SHUTDOWN_SECONDS}
    if processes == "auto":
        jax.distributed.initialize(**options)
        return
    if processes in ("", "1"):
        return
    index = environment.get(PROCESS_INDEX, "")
    if not (processes.isdecimal() and index.isdecimal() and int(index) < int(processes)):
        raise ValueError(
            f"{PROCESSES}={processes!r} and {PROCESS_INDEX}={index!r} do not say which of how many "
            f"processes this is; expected a number and one below it, or {PROCESSES}=auto"
        )
    if COORDINATOR not in environment:
        raise ValueError(f"{PROCESSES}={processes} needs {COORDINATOR}=HOST:PORT, of process 0")
    jax.distributed.initialize(
        environment[COORDINATOR],
        int(processes),
        int(index),
        cluster_detection_method="deactivate",
        **options,
    )


def default_compiled(environment: Mapping[str, str]) -> Path:
    """Where compiled programs are kept if JAX_COMPILATION_CACHE_DIR does not say.

    In the user's cache: a program is found again by what it computes and on what kind of device,
    so that all workdirs share one folder.
    """
    cache = environment.get("XDG_CACHE_HOME", "")
    return (Path(cache) if cache else Path.home() / ".cache") / "avsync" / "compiled"


def this_host() -> Host:
    """Which of the job's processes this is."""
    return Host(jax.process_index(), jax.process_count())


def is_first() -> bool:
    """Whether this process writes the files and speaks for all."""
    return not jax.distributed.is_initialized() or jax.process_index() == 0


def allgather_json(value: Any) -> list[Any]:
    """What each process gives, all that JSON can hold, in the order of the processes.

    Each of them must call it, and waits for the others.
    """
    if not jax.distributed.is_initialized():
        return [value]
    text = np.frombuffer(json.dumps(value).encode(), np.uint8)
    lengths = np.ravel(multihost_utils.process_allgather(np.int32(len(text))))
    # What is exchanged must have the same shape everywhere.
    padded = np.pad(text, (0, lengths.max() - len(text)))
    rows = multihost_utils.process_allgather(padded).reshape(len(lengths), -1)
    return [json.loads(row[:n].tobytes()) for row, n in zip(rows, lengths, strict=True)]


def wait_for_all() -> None:
    """Returns once every process is here."""
    allgather_json(None)


def announce(line: str) -> None:
    """Prints a line, once, whatever the number of processes."""
    if is_first():
        print(line)


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
    if not is_first():
        return
    (workdir / "environment.json").write_text(json.dumps(describe(), indent=2) + "\n")


class Progress:
    """A bar on a terminal; elsewhere a plain line every ten seconds. On stderr.

    Of several processes the first one shows its own.
    """

    def __init__(self, what: str, *, total: int, done: int = 0):
        self.done = done
        self._what, self._total = what, total
        self._console = Console(stderr=True, quiet=not is_first())
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


def _hide_accelerators_from_tensorflow() -> None:
    """TensorFlow reads data on the CPU; it would reserve the memory of every GPU it sees."""
    # Not imported for this: it is 75 % of the start of avsync-score, which does without.
    if (tf := sys.modules.get("tensorflow")) is not None:
        tf.config.set_visible_devices([], "GPU")
        tf.config.set_visible_devices([], "TPU")


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
