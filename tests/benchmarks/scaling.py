"""Weak scaling to a second process, and the overhead of pmap on one device.

    python tests/benchmarks/scaling.py                      # two cores, one per process
    python tests/benchmarks/scaling.py --size=large         # configs/grid.py's model

Three jobs take turns with the same updates on a fixed number of in-memory clips per device: one
device with jax.jit, one device with avsync's pmap, and two processes of one device each that
exchange gradients. On CPUs each process has its own core.

Prints medians over the rounds, and medians of the ratios within a round, so that a temporary
slowdown of the machine affects both sides of a ratio.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

JIT, PMAP, TWO = "jit, one device", "pmap, one device", "pmap, two processes"
JOBS = {JIT: ("jit", 1), PMAP: ("pmap", 1), TWO: ("pmap", 2)}


class Job:
    """Processes that run a number of updates together on request."""

    def __init__(self, mapping: str, num_processes: int, *, options: list[str]):
        with socket.socket() as free:
            free.bind(("localhost", 0))
            address = f"localhost:{free.getsockname()[1]}"
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) < num_processes:
            raise ValueError(f"{num_processes} processes need as many cores, there are {cores}")
        self._processes = [
            subprocess.Popen(
                [sys.executable, "-m", "tests.benchmarks.scaling_loop", mapping, *options],
                cwd=ROOT,
                env={
                    **os.environ,
                    "AVSYNC_PROCESSES": str(num_processes),
                    "AVSYNC_PROCESS_INDEX": str(index),
                    "JAX_COORDINATOR_ADDRESS": address,
                    "JAX_LOCAL_DEVICE_IDS": str(index),
                },
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                # At its start XLA creates as many threads as it sees cores.
                preexec_fn=lambda core=cores[index]: os.sched_setaffinity(0, {core}),
            )
            for index in range(num_processes)
        ]
        self._answers()

    def seconds(self, num_updates: int) -> float:
        """Seconds per update, over `num_updates` updates."""
        for process in self._processes:
            assert process.stdin
            process.stdin.write(f"{num_updates}\n")
            process.stdin.flush()
        return max(answer["seconds"] for answer in self._answers()) / num_updates

    def close(self) -> None:
        for process in self._processes:
            assert process.stdin
            process.stdin.close()
        for process in self._processes:
            process.wait()

    def _answers(self) -> list[dict[str, float]]:
        return [json.loads(_next_answer(process)) for process in self._processes]


def _next_answer(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    for line in process.stdout:
        if line.startswith("{"):  # other lines are logs of the CPU collectives library
            return line
    raise RuntimeError("a process of the benchmark died; its output is above")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", choices=("small", "large"), default="small")
    parser.add_argument("--clips", type=int, default=4, help="of 3 s, per device")
    parser.add_argument("--updates", type=int, default=10, help="per round")
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args(arguments)
    options = [args.size, str(args.clips)]
    jobs = {name: Job(*job, options=options) for name, job in JOBS.items()}
    rounds = list(measure(jobs, num_updates=args.updates, num_rounds=args.rounds))
    for job in jobs.values():
        job.close()
    for name in JOBS:
        times = sorted(seconds[name] for seconds in rounds)
        print(
            f"{name:20} {statistics.median(times) * 1e3:8.1f} ms per update "
            f"({times[0] * 1e3:.1f} to {times[-1] * 1e3:.1f})"
        )
    report("overhead of pmap over jit", rounds, lambda seconds: seconds[PMAP] / seconds[JIT] - 1)
    report("overhead of a second process", rounds, lambda seconds: seconds[TWO] / seconds[PMAP] - 1)
    report("weak scaling efficiency", rounds, lambda seconds: seconds[PMAP] / seconds[TWO])


def measure(
    jobs: dict[str, Job], *, num_updates: int, num_rounds: int
) -> Iterator[dict[str, float]]:
    """Seconds per update by job, for each round; every other round reverses the order."""
    for i in range(num_rounds):
        order = list(jobs) if i % 2 else list(reversed(jobs))
        yield {name: jobs[name].seconds(num_updates) for name in order}


def report(title: str, rounds: list[dict[str, float]], ratio: Callable[[Any], float]) -> None:
    ratios = sorted(map(ratio, rounds))
    print(f"{title}: {statistics.median(ratios):.1%} ({ratios[0]:.1%} to {ratios[-1]:.1%})")


if __name__ == "__main__":
    main()
