"""Training of the paper's head: avsync against a plain PyTorch rendering of the official loop.

    python -m venv /tmp/torchvenv && /tmp/torchvenv/bin/pip install torch numpy
    python tests/benchmarks/alignment_head.py --torch_python=/tmp/torchvenv/bin/python

Measures frames per second of loading and updates together, on the same random features on disk. The
two sides are persistent processes; after a warm-up they take turns, A B A B, so that other load on
the machine affects both. Ratios compare consecutive turns; under other load the ratio of CPU times
is the steadier one. Without --torch_python only avsync is measured.

The operations predict a ratio of 6.8: a frame takes 258 MFLOP in the official loop (31 pairs of
1.74 M multiply-adds, and twice that in the backward pass except for the gradient of the inputs) and
38 MFLOP in avsync (31 pairs of 0.164 M, and 1.6 M for the frame).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

# Turns of about equal duration.
AVSYNC_UPDATES, OFFICIAL_UPDATES = 16, 2
OFFICIAL_BATCH_FRAMES = 1024


class Side:
    """One of the two programs, warmed up and waiting for its turn.

    turns: its answers, see turns.py.
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


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--torch_python", help="Python interpreter with torch and numpy")
    parser.add_argument("--num_clips", type=int, default=64, help="of 125 to 300 frames each")
    parser.add_argument("--batch_clips", type=int, default=8, help="per update of avsync")
    parser.add_argument("--window_frames", type=int, default=128, help="window per clip")
    parser.add_argument("--rounds", type=int, default=5, help="turns per side")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        run_module = [sys.executable, "-m", "tests.benchmarks.random_features"]
        subprocess.run([*run_module, directory, str(args.num_clips)], cwd=ROOT, check=True)
        measure(args, directory)


def measure(args: argparse.Namespace, directory: str) -> None:
    window = [str(args.batch_clips), str(args.window_frames)]
    command = [sys.executable, "-m", "tests.benchmarks.avsync_loop", directory, *window]
    sides = [Side("avsync", *command, updates=AVSYNC_UPDATES)]
    if args.torch_python:
        command = [args.torch_python, "-m", "tests.benchmarks.official_loop_torch", directory]
        batch = str(OFFICIAL_BATCH_FRAMES)
        sides.append(Side("official loop", *command, batch, updates=OFFICIAL_UPDATES))
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}")
    for _ in range(args.rounds):
        for side in sides:
            side.take_turn()
        speeds = (
            f"{side.name} {1 / side.per_frame('seconds')[-1]:,.0f} frames/s" for side in sides
        )
        print(", ".join(speeds), flush=True)
    for side in sides:
        side.close()
        report(side)
    if len(sides) == 2:
        compare(*sides)
    print(f"load average {os.getloadavg()[0]:.1f}")


def report(side: Side) -> None:
    cpu_seconds = statistics.median(side.per_frame("cpu_seconds"))
    print(
        f"{side.name}: ready after {side.ready_seconds:.1f} s, not counted; "
        f"{1e6 * cpu_seconds:,.0f} us of CPU per frame; peak memory "
        f"{side.turns[-1]['peak_mib']:,.0f} MiB, {side.idle_mib:,.0f} MiB before the first update"
    )


def compare(avsync: Side, official: Side) -> None:
    for measure, words in (("seconds", "time"), ("cpu_seconds", "CPU time")):
        pairs = zip(official.per_frame(measure), avsync.per_frame(measure), strict=True)
        ratios = [theirs / ours for theirs, ours in pairs]
        print(
            f"{words} per frame: the official loop takes {statistics.median(ratios):.1f} times "
            f"avsync's (median of {len(ratios)} rounds, {min(ratios):.1f} to {max(ratios):.1f})"
        )
    share = avsync.turns[-1]["peak_mib"] / official.turns[-1]["peak_mib"]
    print(f"peak memory: avsync takes {share:.2f} of the official loop's")


if __name__ == "__main__":
    main()
