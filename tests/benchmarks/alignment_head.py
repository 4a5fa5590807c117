"""Training of the paper's head: avsync against a plain PyTorch rendering of the official loop.

    python -m venv /tmp/torchvenv && /tmp/torchvenv/bin/pip install torch numpy
    python -m tests.benchmarks.alignment_head --torch_python=/tmp/torchvenv/bin/python

Measures frames per second of loading and updates together, on the same random features on disk, in
float32 and in bfloat16: there the official loop has the two lines of PyTorch's autocast, and avsync
`config.model.dtype`. The four sides are persistent processes; after a warm-up they take turns, so
that other load on the machine affects all. Ratios compare turns of one round; under other load the
ratio of CPU times is the steadier one. Without --torch_python only avsync is measured.

The operations predict a ratio of 6.8: a frame takes 258 MFLOP in the official loop (31 pairs of
1.74 M multiply-adds, and twice that in the backward pass except for the gradient of the inputs) and
38 MFLOP in avsync (31 pairs of 0.164 M, and 1.6 M for the frame).
"""

import argparse
import os
import subprocess
import sys
import tempfile

from tests.benchmarks.turns import ROOT, Side, compare, report, take_turns

DTYPES = ("float32", "bfloat16")

# Turns of about equal duration in float32.
AVSYNC_UPDATES, OFFICIAL_UPDATES = 8, 1
OFFICIAL_BATCH_FRAMES = 1024


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--torch_python", help="Python interpreter with torch and numpy")
    parser.add_argument("--num_clips", type=int, default=64, help="of 125 to 300 frames each")
    parser.add_argument("--batch_clips", type=int, default=8, help="per update of avsync")
    parser.add_argument("--window_frames", type=int, default=128, help="window per clip")
    parser.add_argument("--rounds", type=int, default=5, help="turns per side")
    parser.add_argument("--dtypes", nargs="+", choices=DTYPES, default=DTYPES)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        run_module = [sys.executable, "-m", "tests.benchmarks.random_features"]
        subprocess.run([*run_module, directory, str(args.num_clips)], cwd=ROOT, check=True)
        measure(args, directory)


def measure(args: argparse.Namespace, directory: str) -> None:
    pairs = {dtype: start_sides(args, directory, dtype=dtype) for dtype in args.dtypes}
    sides = [side for pair in pairs.values() for side in pair]
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}")
    take_turns(sides, rounds=args.rounds)
    for side in sides:
        side.close()
        report(side)
    for pair in pairs.values():
        if len(pair) == 2:
            compare(*pair)
            share = pair[0].turns[-1]["peak_mib"] / pair[1].turns[-1]["peak_mib"]
            print(f"peak memory: {pair[0].name} takes {share:.2f} of that of {pair[1].name}")
    print(f"load average {os.getloadavg()[0]:.1f}")


def start_sides(args: argparse.Namespace, directory: str, *, dtype: str) -> list[Side]:
    """avsync, and with --torch_python the official loop, in `dtype`."""
    module = [sys.executable, "-m", "tests.benchmarks.avsync_loop", directory]
    window = [str(args.batch_clips), str(args.window_frames)]
    sides = [Side(f"avsync {dtype}", *module, *window, dtype, updates=AVSYNC_UPDATES)]
    if args.torch_python:
        module = [args.torch_python, "-m", "tests.benchmarks.official_loop_torch", directory]
        batch = str(OFFICIAL_BATCH_FRAMES)
        sides.append(
            Side(f"official loop {dtype}", *module, batch, dtype, updates=OFFICIAL_UPDATES)
        )
    return sides


if __name__ == "__main__":
    main()
