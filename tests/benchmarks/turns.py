"""Compared programs, each a process that waits for its turn on stdin, and who calls them.

Imports the standard library only, so that any interpreter can run it.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def serve(work: Callable[[int], int], *, read_ahead: int) -> None:
    """Runs as many updates as each line of stdin requests, and answers with a JSON line.

    `work(num_updates)` returns the number of frames. Each turn starts with `read_ahead` updates
    that are not measured: their batches may have been read during the other program's turn. The
    first answer is written before any update.
    """
    _say(peak_mib=_peak_mib())
    for line in sys.stdin:
        work(read_ahead)
        since, cpu_since = time.perf_counter(), time.process_time()
        num_frames = work(int(line))
        _say(
            num_frames=num_frames,
            seconds=time.perf_counter() - since,
            cpu_seconds=time.process_time() - cpu_since,
            peak_mib=_peak_mib(),
        )


class Side:
    """One of the programs, warmed up and waiting for its turn.

    turns: its answers, see `serve`.
    ready_seconds: time of its start, including compilation.
    idle_mib: its memory before the first update.
    """

    def __init__(self, name: str, *command: str, updates: int):
        self.name, self._updates = name, updates
        self.turns: list[dict[str, float]] = []
        since = time.perf_counter()
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.idle_mib = self._answer()["peak_mib"]
        self._train(1)
        self.ready_seconds = time.perf_counter() - since

    def take_turn(self) -> None:
        self.turns.append(self._train(self._updates))

    def per_frame(self, measure: str) -> list[float]:
        """`measure` ("seconds", "cpu_seconds") per frame, for each turn."""
        return [turn[measure] / turn["num_frames"] for turn in self.turns]

    def close(self) -> None:
        self._process.communicate()

    def _train(self, updates: int) -> dict[str, float]:
        assert self._process.stdin
        self._process.stdin.write(f"{updates}\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, float]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} ended with status {self._process.wait()}")
        return json.loads(line)


def take_turns(sides: Sequence[Side], *, rounds: int) -> None:
    """Each side in turn, `rounds` times; prints each round, and the load average after it."""
    for _ in range(rounds):
        for side in sides:
            side.take_turn()
        speeds = (
            f"{side.name} {1 / side.per_frame('seconds')[-1]:,.0f} frames/s at "
            f"{1e6 * side.per_frame('cpu_seconds')[-1]:,.0f} CPU us"
            for side in sides
        )
        print(f"{', '.join(speeds)} (load average {os.getloadavg()[0]:.1f})", flush=True)


def report(side: Side) -> None:
    cpu_seconds = statistics.median(side.per_frame("cpu_seconds"))
    print(
        f"{side.name}: ready after {side.ready_seconds:.1f} s, not counted; "
        f"{statistics.median(1 / x for x in side.per_frame('seconds')):,.0f} frames/s, "
        f"{1e6 * cpu_seconds:,.0f} us of CPU per frame; peak memory "
        f"{side.turns[-1]['peak_mib']:,.0f} MiB, {side.idle_mib:,.0f} MiB before the first update"
    )


def compare(ours: Side, theirs: Side) -> None:
    """Prints how many times as long as `ours` a frame takes `theirs`."""
    for measure, words in (("seconds", "time"), ("cpu_seconds", "CPU time")):
        pairs = zip(theirs.per_frame(measure), ours.per_frame(measure), strict=True)
        ratios = [other / own for other, own in pairs]
        print(
            f"{words} per frame: {theirs.name} takes {statistics.median(ratios):.2f} times that of "
            f"{ours.name} (median of {len(ratios)} rounds, {min(ratios):.2f} to {max(ratios):.2f})"
        )


def _peak_mib() -> float:
    # In kB on Linux. It includes the peak of the parent process, which imports nothing large.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _say(**answer: float) -> None:
    print(json.dumps(answer), flush=True)
