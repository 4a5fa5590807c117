"""The processes of a job: their start, devices and messages, and the display of progress.

A launcher starts several processes by environment variables (launch/README.md):

AVSYNC_PROCESSES          number of processes, with the two below; or "auto" where JAX detects them,
                          as on Slurm and on TPU pods; unset or 1: a single process
AVSYNC_PROCESS_INDEX      index of this process, from 0
JAX_COORDINATOR_ADDRESS   HOST:PORT of process 0
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
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

from avsync import files
from avsync.names import shown, shown_text
from avsync.types import PROCESSES, Host

PLAIN_LINE_SECONDS = 10.0

PROCESS_INDEX = "AVSYNC_PROCESS_INDEX"
COORDINATOR = "JAX_COORDINATOR_ADDRESS"
COMPILATION_CACHE = "JAX_COMPILATION_CACHE_DIR"

# A failing process waits this long for the others before it exits, since they wait for it too.
SHUTDOWN_SECONDS = 60


def start() -> None:
    """Prepares the process for JAX; every binary that runs a model calls it after its imports.

    Keeps TensorFlow off the accelerators if it has been imported, sets JAX's compilation cache, and
    joins the other processes of the job if the launcher names any. ValueError if JAX finds no
    device of the kind asked for.
    """
    _hide_accelerators_from_tensorflow()
    if COMPILATION_CACHE not in os.environ:
        _use_compilation_cache(compilation_cache(os.environ))
    join_job(os.environ)
    try:
        jax.devices()
    except RuntimeError as error:  # JAX_PLATFORMS names a platform that is not available
        raise ValueError(f"JAX found no device: {error}") from error
    # On CPUs the processes have 30 s to reach their first exchange: here all have just met.
    wait_for_all()


def join_job(environment: Mapping[str, str]) -> None:
    """Joins the processes that `environment` describes; ValueError if it is incomplete."""
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
            f"{PROCESSES}={processes!r} and {PROCESS_INDEX}={index!r} are invalid: expected a "
            f"number of processes and an index below it, or {PROCESSES}=auto"
        )
    if COORDINATOR not in environment:
        raise ValueError(f"{PROCESSES}={processes} needs {COORDINATOR}=HOST:PORT of process 0")
    jax.distributed.initialize(
        environment[COORDINATOR],
        int(processes),
        int(index),
        cluster_detection_method="deactivate",
        **options,
    )


def compilation_cache(environment: Mapping[str, str]) -> Path:
    """The default folder of compiled programs, in the user's cache.

    Programs are keyed by computation and kind of device, so all workdirs share one folder.
    """
    cache = environment.get("XDG_CACHE_HOME", "")
    return (Path(cache) if cache else Path.home() / ".cache") / "avsync" / "compiled"


def _use_compilation_cache(folder: Path) -> None:
    """Makes JAX keep compiled programs in `folder`, if nobody else can put programs there.

    Otherwise one line on stderr says why they are compiled at every start.
    """
    try:
        problem = files.make_private(folder)
    except OSError as error:
        problem = f"cannot be written ({error.strerror})"
    if problem:
        print(f"compiled programs are not kept: {folder} {problem}", file=sys.stderr)
    else:
        jax.config.update("jax_compilation_cache_dir", str(folder))


def this_host() -> Host:
    """The index of this process and the number of processes."""
    return Host(jax.process_index(), jax.process_count())


def is_first() -> bool:
    """Return whether this process writes files and messages for the whole job."""
    return not jax.distributed.is_initialized() or jax.process_index() == 0


def allgather_json(value: Any) -> list[Any]:
    """The JSON-compatible values of all processes, in their order; every process must call it."""
    if not jax.distributed.is_initialized():
        return [value]
    text = np.frombuffer(json.dumps(value).encode(), np.uint8)
    lengths = np.ravel(multihost_utils.process_allgather(np.int32(len(text))))
    # Exchanged arrays must have the same shape on every process.
    padded = np.pad(text, (0, lengths.max() - len(text)))
    rows = multihost_utils.process_allgather(padded).reshape(len(lengths), -1)
    return [json.loads(row[:n].tobytes()) for row, n in zip(rows, lengths, strict=True)]


def wait_for_all() -> None:
    """Blocks until every process calls it."""
    allgather_json(None)


def announce(line: str) -> None:
    """Prints a line once per job, on the first process."""
    if is_first():
        print(shown_text(line))


class _ProgressConsole(Console):
    def on_broken_pipe(self) -> None:
        """Goes on in silence: rich would end the job because nobody watches it any more."""
        self.quiet = True


class Progress:
    """Progress on stderr: a bar on a terminal, otherwise a plain line every ten seconds.

    Only the first process shows progress.
    """

    def __init__(self, task: str, *, total: int, done: int = 0):
        self.done = done
        self._name, self._total = task, total
        self._console = _ProgressConsole(stderr=True, quiet=not is_first())
        self._bar: RichProgress | None = None
        self._task: Any = None
        self._part: Any = None
        self._part_text = ""
        self._began = self._item_began = self._part_began = self._last_line = time.monotonic()
        self._done_before = done

    def __enter__(self) -> "Progress":
        if self._console.is_terminal:
            self._bar = RichProgress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[note]}", markup=False),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                console=self._console,
            )
            self._bar.start()
            self._task = self._bar.add_task(
                self._name, total=self._total, completed=self.done, note=""
            )
            self._part = self._bar.add_task("", visible=False, note="")
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def advance_to(self, done: int, note: str = "") -> None:
        """Shows that `done` items are done, with `note` beside the bar."""
        now, note = time.monotonic(), shown(note)
        self.done, self._item_began = done, now
        if self._bar:
            self._bar.update(self._task, completed=done, note=note)
            self._bar.update(self._part, visible=False)
        elif now - self._last_line > PLAIN_LINE_SECONDS or done == self._total:
            self._last_line = now
            pace = (self._last_line - self._began) / max(done - self._done_before, 1)
            left = (self._total - done) * pace
            self.say(f"{self._name}: {done}/{self._total} {note} ({left:.0f} s left)")

    def within(self, item: str) -> Callable[[str, int, int], None]:
        """A function (stage, done, total) that shows the progress within the next item, `item`.

        On a terminal a second bar shows it, until the item is done; otherwise there are plain lines
        if the item takes longer than ten seconds.
        """

        def show(stage: str, done: int, total: int) -> None:
            self._show_part(f"{shown(item)}, {stage}", done=done, total=total)

        return show

    def _show_part(self, text: str, *, done: int, total: int) -> None:
        now = time.monotonic()
        is_new, self._part_text = text != self._part_text, text
        if is_new:
            self._part_began = now
        if self._bar:
            if is_new:
                self._bar.reset(self._part)
            self._bar.update(
                self._part, description=text, completed=done, total=total, visible=True
            )
        elif now - max(self._last_line, self._item_began) > PLAIN_LINE_SECONDS:
            self._last_line = now
            left = (total - done) * (now - self._part_began) / max(done, 1)
            items = f"{self._name}: {self.done}/{self._total}"
            self.say(f"{items} {text} {done:,}/{total:,} ({left:.0f} s left in this stage)")

    def say(self, line: str) -> None:
        """Prints a line above the bar."""
        self._console.print(
            shown_text(line), highlight=False, soft_wrap=True, markup=False, emoji=False
        )


def _hide_accelerators_from_tensorflow() -> None:
    """Hides accelerators from TensorFlow, which would reserve the memory of every GPU it sees."""
    # Not imported for this: it is 75 % of the start of avsync-score, which does without.
    if (tf := sys.modules.get("tensorflow")) is not None:
        tf.config.set_visible_devices([], "GPU")
        tf.config.set_visible_devices([], "TPU")
