"""Runs of a sweep on this machine, several at a time, none of which outlives the sweep."""

import contextlib
import ctypes
import functools
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

from avsync.sweeps.commands import Command
from avsync.sweeps.outcomes import Outcome, Places

LOOK_EVERY_SECONDS = 0.1

# From a log, beside the reason why a run failed.
NUM_LAST_LINES = 8

PREEMPTED = 75  # of a training that saved and goes on when run again

PR_SET_PDEATHSIG = 1  # linux/prctl.h
# Loaded here: between fork and exec as little as possible should happen.
LIBC = ctypes.CDLL(None)


class ToldToEnd(Exception):
    """The sweep got a SIGTERM; the trainings that were running have saved."""


class Task(NamedTuple):
    """A run to be done: its commands, one after the other, and what it is then tested on."""

    name: str
    places: Places
    commands: tuple[Command, ...]
    tested_on: str


def run_tasks(
    tasks: Iterable[Task], *, slots: list[Mapping[str, str]], say: Callable[[str], None]
) -> Generator[tuple[Task, Outcome], None, None]:
    """Does the tasks, as many at a time as there are `slots`; gives each as it ends.

    A slot is what its runs find in the environment beside what is there. A run that fails does not
    stop the others. Told to end, by Ctrl-C or SIGTERM, the trainings save before this raises
    KeyboardInterrupt or `ToldToEnd`; killed, it takes them along (on Linux).
    """
    pending, free, running = deque(tasks), deque(slots), list[_Attempt]()
    with _raising_when_told():
        try:
            while pending or running:
                while pending and free:
                    running.append(_Attempt(pending.popleft(), slot=free.popleft(), say=say))
                for attempt in tuple(running):
                    if outcome := attempt.advance():
                        running.remove(attempt)
                        free.append(attempt.slot)
                        yield attempt.task, outcome
                time.sleep(LOOK_EVERY_SECONDS)
        finally:
            _end(running)


def last_lines(log: Path) -> list[str]:
    """The end of what a run said, empty lines left out."""
    lines = log.read_text(errors="replace").splitlines() if log.is_file() else []
    return [line for line in lines if line.strip()][-NUM_LAST_LINES:]


class _Attempt:
    """A task in progress."""

    def __init__(self, task: Task, *, slot: Mapping[str, str], say: Callable[[str], None]):
        self.task, self.slot = task, slot
        self._say = say
        self._left = deque(task.commands)
        self._outcome = task.places.begin()
        self._log: IO[str] = task.places.log.open("a")
        self._start_next()

    def advance(self) -> Outcome | None:
        """How it went, once it is over; begins the next command when one has ended well."""
        status = self._process.poll()
        if status is None:
            return None
        if status == 0 and self._left:
            self._start_next()
            return None
        self._log.close()
        if status == 0:
            return self.task.places.end(self._outcome, tested_on=self.task.tested_on)
        reason = _reason(status, last_lines(self.task.places.log))
        return self.task.places.end(self._outcome, reason=f"{self._command.binary}: {reason}")

    def tell_to_end(self) -> None:
        """A training saves first, and ends in its own time."""
        self._process.terminate()

    def wait(self) -> None:
        """Returns once it has ended."""
        self._process.wait()
        self._log.close()

    def kill(self) -> None:
        """Ends it at once."""
        self._process.kill()
        self.wait()

    def _start_next(self) -> None:
        self._command = self._left.popleft()
        self._say(f"{self.task.name}: {self._command.text}")
        self._log.write(f"$ {self._command.text}\n")
        self._log.flush()
        self._process = subprocess.Popen(
            self._command.argv,
            env={**os.environ, **self.slot},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            # Ctrl-C is for the sweep, which tells its runs in a way that lets them save.
            start_new_session=True,
            preexec_fn=functools.partial(_die_with, os.getpid()),
        )


def _die_with(parent: int) -> None:
    # Else a training whose sweep was killed would go on, and be in the way of the next sweep. It
    # may die at any moment: its checkpoints are whole.
    if sys.platform == "linux":
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it was killed before that
            os._exit(1)


def _end(running: Iterable[_Attempt]) -> None:
    running = list(running)
    try:
        for attempt in running:
            attempt.tell_to_end()
        for attempt in running:
            attempt.wait()
    except (KeyboardInterrupt, ToldToEnd):  # once more: now
        for attempt in running:
            attempt.kill()
        raise


def _reason(status: int, lines: list[str]) -> str:
    if status == PREEMPTED:
        return "told to end; it goes on when the sweep is run again"
    if status < 0:
        name = signal.Signals(-status).name
        return f"killed by {name}" + (", out of memory?" if name == "SIGKILL" else "")
    # The binaries end with "train.py: MESSAGE", and a hint below where the usage was wrong.
    said = [line for line in lines if line.startswith(("train.py: ", "evaluate.py: "))]
    found = said[-1].partition(": ")[2] if said else (lines or ["nothing was said"])[-1]
    return f"{found} (exit status {status})"


@contextlib.contextmanager
def _raising_when_told() -> Iterator[None]:
    def tell(*_: Any) -> None:
        raise ToldToEnd

    before = signal.signal(signal.SIGTERM, tell)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
