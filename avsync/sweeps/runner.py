"""Runs of a sweep on this machine: several at a time, none of them outliving the sweep."""

import contextlib
import ctypes
import functools
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

from avsync.sweeps.commands import Command
from avsync.sweeps.results import Outcome, RunFiles

POLL_SECONDS = 0.1

# Shown below the reason of a failure.
NUM_LAST_LINES = 8

VISIBLE_GPUS = "CUDA_VISIBLE_DEVICES"

# Exit status of a preempted training, as in avsync.bin.base: it has saved and resumes when rerun.
PREEMPTED = 75

PR_SET_PDEATHSIG = 1  # linux/prctl.h
# Loaded at import: as little as possible should happen between fork and exec.
LIBC = ctypes.CDLL(None)


class Preempted(Exception):
    """The sweep received SIGTERM; the trainings that were running have saved."""


class Task(NamedTuple):
    """A run to execute: its commands in order, and the test set that they end with."""

    name: str
    files: RunFiles
    commands: tuple[Command, ...]
    tested_on: str


def visible_gpus(environment: Mapping[str, str]) -> list[str]:
    """Return the NVIDIA GPUs that programs started here see, by their CUDA names."""
    if VISIBLE_GPUS in environment:
        return [name for name in environment[VISIBLE_GPUS].split(",") if name]
    if not shutil.which("nvidia-smi"):
        return []
    done = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("GPU ")]
    return [str(index) for index in range(len(lines))]


def make_slots(num_jobs: int, *, gpus: list[str]) -> list[Mapping[str, str]]:
    """Return the extra environment of `num_jobs` concurrent runs: one GPU each, or all for one.

    ValueError if there are fewer GPUs than runs: JAX preallocates most of a GPU's memory.
    """
    if num_jobs == 1 or not gpus:
        return [{}] * num_jobs
    if num_jobs > len(gpus):
        raise ValueError(
            f"--jobs={num_jobs} needs as many GPUs, one per run, and {len(gpus)} are visible; "
            f"use at most --jobs={len(gpus)}"
        )
    return [{VISIBLE_GPUS: gpu} for gpu in gpus[:num_jobs]]


def run_tasks(
    tasks: Iterable[Task],
    *,
    slots: list[Mapping[str, str]],
    say: Callable[[str], None],
    reason_to_prune: Callable[[Task], str] = lambda task: "",
) -> Generator[tuple[Task, Outcome], None, None]:
    """Execute the tasks, one per slot at a time, and yield each with its outcome as it ends.

    A slot holds the environment variables that its runs get in addition. A task is taken from
    `tasks` when a slot is free, after the outcomes of those before. A run that fails does not stop
    the others. `reason_to_prune(task)`, unless it is "", ends a running task, which saves first. On
    Ctrl-C or SIGTERM the trainings save before this raises KeyboardInterrupt or `Preempted`; if
    this process is killed, they are killed too (on Linux).
    """
    pending, free, running = iter(tasks), deque(slots), list[_Attempt]()
    with _sigterm_raises():
        try:
            while True:
                while free and (task := next(pending, None)):
                    running.append(_Attempt(task, slot=free.popleft(), say=say))
                if not running:
                    return
                for attempt in tuple(running):
                    attempt.prune_if(reason_to_prune)
                    if outcome := attempt.advance():
                        running.remove(attempt)
                        free.append(attempt.slot)
                        yield attempt.task, outcome
                time.sleep(POLL_SECONDS)
        finally:
            _terminate(running)


def last_lines(log: Path) -> list[str]:
    """Return the last non-empty lines of a log."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []
    return [line for line in lines if line.strip()][-NUM_LAST_LINES:]


class _Attempt:
    """A task that is being executed."""

    def __init__(self, task: Task, *, slot: Mapping[str, str], say: Callable[[str], None]):
        self.task, self.slot = task, slot
        self._say = say
        self._remaining = deque(task.commands)
        self._pruned = ""
        self._begun = task.files.begin()
        self._log: IO[str] = task.files.log.open("a", encoding="utf-8")
        self._start_next()

    def prune_if(self, reason_to_prune: Callable[[Task], str]) -> None:
        """End the training early if there is a reason."""
        is_training = self._command.binary == "train" and not self._pruned
        if is_training and (reason := reason_to_prune(self.task)):
            self._pruned = reason
            self.terminate()

    def advance(self) -> Outcome | None:
        """Start the next command when one has succeeded; return the outcome once all are over."""
        status = self._process.poll()
        if status is None:
            return None
        if status == 0 and self._remaining:
            self._start_next()
            return None
        self._log.close()
        if status == 0:
            return self.task.files.end(self._begun, tested_on=self.task.tested_on)
        if self._pruned:
            return self.task.files.prune(self._begun, reason=self._pruned)
        reason = _reason(status, last_lines(self.task.files.log))
        return self.task.files.end(self._begun, reason=f"{self._command.binary}: {reason}")

    def terminate(self) -> None:
        """Send SIGTERM, on which a training saves before it exits."""
        self._process.terminate()

    def wait(self) -> None:
        """Block until the process has exited."""
        self._process.wait()
        self._log.close()

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()
        self.wait()

    def _start_next(self) -> None:
        self._command = self._remaining.popleft()
        self._say(f"{self.task.name}: {self._command.text}")
        self._log.write(f"$ {self._command.text}\n")
        self._log.flush()
        self._process = subprocess.Popen(
            self._command.argv,
            env={**os.environ, **self.slot},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            # Ctrl-C reaches the sweep alone, which sends its runs SIGTERM, so that they save.
            start_new_session=True,
            preexec_fn=functools.partial(die_with_parent, os.getpid()),
        )


def die_with_parent(parent: int) -> None:
    """Runs in a new process before its program: lets the kernel kill it if `parent` dies."""
    # Otherwise a training would outlive a killed sweep and hold the lock on its workdir against the
    # next one. It may be killed at any time: checkpoints are written atomically.
    if sys.platform == "linux":
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # The sweep was killed before the call.
            os._exit(1)


def _terminate(running: Iterable[_Attempt]) -> None:
    running = list(running)
    try:
        for attempt in running:
            attempt.terminate()
        for attempt in running:
            attempt.wait()
    except (KeyboardInterrupt, Preempted):  # A second signal: do not wait for the checkpoints.
        for attempt in running:
            attempt.kill()
        raise


def _reason(status: int, lines: list[str]) -> str:
    if status == PREEMPTED:
        return "preempted; resumes when the sweep is run again"
    if status < 0:
        name = signal.Signals(-status).name
        return f"killed by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")
    # A command that fails prints "train.py: MESSAGE"; a usage error has a hint in the next line.
    messages = [line for line in lines if line.startswith(("train.py: ", "evaluate.py: "))]
    message = messages[-1].partition(": ")[2] if messages else (lines or ["no output"])[-1]
    return f"{message} (exit status {status})"


@contextlib.contextmanager
def _sigterm_raises() -> Iterator[None]:
    def handler(*_: Any) -> None:
        raise Preempted

    previous = signal.signal(signal.SIGTERM, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
