"""A Dask scheduler and its workers as processes of their own, as `dask worker` starts them."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

LOCAL = ("--host=127.0.0.1", "--no-dashboard")

DASK = ("-m", "dask")

# `python -c` this: Dask where avsync is not installed.
WITHOUT_AVSYNC = (
    "-c",
    "import sys; sys.modules['avsync'] = None; from dask.__main__ import main; main()",
)


class Cluster(NamedTuple):
    """The scheduler's address, its process, and a process per worker with its nanny."""

    address: str
    scheduler: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]]

    @property
    def engine(self) -> str:
        return self.address.replace("tcp://", "dask://")


@contextlib.contextmanager
def cluster(
    folder: Path, *, num_workers: int, scheduler_is: tuple[str, ...] = DASK
) -> Iterator[Cluster]:
    """A scheduler and `num_workers` workers of a thread each, whose logs are in `folder`."""
    folder.mkdir(exist_ok=True)
    with contextlib.ExitStack() as stack:

        def start(
            name: str, *arguments: str, dask: tuple[str, ...] = DASK
        ) -> subprocess.Popen[bytes]:
            log = stack.enter_context((folder / f"{name}.log").open("wb"))
            command = [sys.executable, *dask, *arguments, *LOCAL]
            # In a session of its own, so that all of its processes can be ended.
            process = subprocess.Popen(
                command, stderr=log, stdout=log, cwd=folder, start_new_session=True
            )
            stack.callback(end, process)
            return process

        place = folder / "scheduler.json"
        options = ("scheduler", "--port=0", f"--scheduler-file={place}")
        scheduler = start("scheduler", *options, dask=scheduler_is)
        while not (place.exists() and place.read_text().endswith("}")):
            assert scheduler.poll() is None, (folder / "scheduler.log").read_text()
            time.sleep(0.05)
        address = json.loads(place.read_text())["address"]
        workers = [
            start(f"worker{i}", "worker", address, "--nthreads=1") for i in range(num_workers)
        ]
        yield Cluster(address, scheduler, workers)


def end(process: subprocess.Popen[bytes]) -> None:
    """Kills the process and all others of its session."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def descendants(pid: int) -> list[int]:
    """The processes that `pid` and its descendants have started, parents first."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [*map(int, listed), *(below for child in listed for below in descendants(int(child)))]
