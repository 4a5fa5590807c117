"""The stages of an adaptation: commands of avsync, each of which resumes by itself.

A stage that is done is recorded, with the seconds that it took, and not run again.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import IO

from avsync.files import atomic_write
from avsync.json_file import read_object
from avsync.names import shown_text
from avsync.sweeps.commands import Command

FILE, LOGS = "stages.json", "logs"

MAX_BYTES = 1 << 20

# A command that ends with its parent. Popen's `preexec_fn` would do the same between fork and exec,
# where a process with the threads of JAX may hang.
CHILD = """
import runpy, sys
from avsync.sweeps.runner import die_with_parent
die_with_parent(int(sys.argv[1]))
module = sys.argv[2]
del sys.argv[1:3]
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""


class Stages:
    """The stages in the folder `out`.

    Attributes:
      seconds: by name, in order, what each finished stage took when it was run last.
    """

    def __init__(self, out: Path):
        self._out = out
        path = out / FILE
        self.seconds: dict[str, float] = (
            read_object(path, max_bytes=MAX_BYTES) if path.exists() else {}
        )

    def run(self, name: str, command: Command) -> None:
        """Runs a command of avsync as the stage `name`; what it prints is in logs/NAME.log.

        Its messages and its progress are shown. ValueError if it fails. If this process is ended,
        so is the command.
        """
        with self._recorded(name) as is_left:
            if is_left:
                _tell(f"{name}: {command.text}")
                self._run(name, command)

    def do(self, name: str, work: Callable[[], None]) -> None:
        """Does `work` in this process as the stage `name`."""
        with self._recorded(name) as is_left:
            if is_left:
                _tell(name)
                work()

    @contextmanager
    def _recorded(self, name: str) -> Iterator[bool]:
        if name in self.seconds:
            _tell(f"{name}: done before")
            yield False
            return
        start = monotonic()
        yield True
        self.seconds[name] = round(monotonic() - start, 1)
        atomic_write(self._out / FILE, json.dumps(self.seconds, indent=2) + "\n")
        _tell(f"{name} took {self.seconds[name]:.0f} s")

    def _run(self, name: str, command: Command) -> None:
        log = self._out / LOGS / f"{name}.log"
        log.parent.mkdir(exist_ok=True)
        with log.open("wb") as printed:
            status = run_command(command, stdout=printed)
        if status:
            raise ValueError(
                f"the stage {name} ended with status {status}, for the reason above; {log} has its "
                "output. Run the same command again to go on there"
            )


def run_command(command: Command, *, stdout: IO[bytes] | None = None) -> int:
    """The exit status of a command of avsync, which ends if this process is ended or dies."""
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(os.getpid()), *command.argv[2:]],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        # Ctrl-C reaches this process alone, which sends SIGTERM, so that a training saves.
        start_new_session=True,
    )
    try:
        return process.wait()
    except BaseException:
        process.terminate()
        process.wait()
        raise


def _tell(line: str) -> None:
    print(shown_text(f"== {line}"), file=sys.stderr, flush=True)
