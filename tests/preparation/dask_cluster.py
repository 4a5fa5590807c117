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

    def processes(self) -> set[int]:
        """The processes that prepare files, of all workers."""
        dask_workers = [pid for nanny in self.workers for pid in spawned(nanny.pid)]
        return {pid for worker in dask_workers for pid in spawned(worker)}


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


def spawned(pid: int) -> list[int]:
    """The processes that `pid` has started by multiprocessing: a nanny its Dask worker, and a Dask
    worker those that prepare files."""
    # Each thread has its own list, and Dask runs tasks in threads.
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    listed = [int(child) for thread in threads for child in thread.read_text().split()]
    return [child for child in listed if b"spawn_main" in _command(child)]


def _command(pid: int) -> bytes:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""
