"""Extraction with AV-HuBERT Large: avsync against plain PyTorch, with the same random weights.

    python -m venv /tmp/torchvenv && /tmp/torchvenv/bin/pip install torch numpy
    python -m tests.benchmarks.avhubert_speed --torch_python=/tmp/torchvenv/bin/python

For the pass of the sound and that of the crops, in float32 and in bfloat16: frames per second, CPU
time per frame, and the largest difference of the features, which have a deviation of 1. The sides
take turns, as in alignment_head.py. avsync computes the filterbanks of the sound, PyTorch is given
them. In bfloat16 PyTorch is measured twice: under autocast, and with all of the network cast.
Without --torch_python only avsync is measured.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from avsync.models.frontend import stacked_log_filterbank
from avsync.units import INPUT_PIXELS, SAMPLES_PER_FRAME
from tests.benchmarks.turns import Side, compare, report, take_turns

SIZES = {
    "large": {"embedding": 1024, "feed_forward": 4096, "num_layers": 24},
    "base": {"embedding": 768, "feed_forward": 3072, "num_layers": 12},
    "small": {"embedding": 128, "feed_forward": 256, "num_layers": 2},
}
STREAMS = ("audio", "visual")

# What PyTorch has of each dtype of avsync.
PRECISIONS = {"float32": ("float32",), "bfloat16": ("autocast", "cast")}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--torch_python", help="Python interpreter with torch and numpy")
    parser.add_argument("--size", choices=SIZES, default="large")
    parser.add_argument("--streams", nargs="+", choices=STREAMS, default=STREAMS)
    parser.add_argument("--dtypes", nargs="+", choices=PRECISIONS, default=tuple(PRECISIONS))
    parser.add_argument("--num_clips", type=int, default=4, help="in one batch")
    parser.add_argument("--clip_frames", type=int, default=75)
    parser.add_argument("--batches", type=int, default=1, help="per turn")
    parser.add_argument("--rounds", type=int, default=5, help="turns per side")
    args = parser.parse_args(arguments)
    print(f"{os.cpu_count()} cores, {args.num_clips} clips of {args.clip_frames} frames")
    with tempfile.TemporaryDirectory() as folder:
        write_input(Path(folder), args)
        for stream in args.streams:
            for dtype in args.dtypes:
                measure(args, Path(folder), stream=stream, dtype=dtype)


def write_input(folder: Path, args: argparse.Namespace) -> None:
    """The batch as each side reads it, and the sizes of the network."""
    random = np.random.default_rng(0)
    shape = (args.num_clips, args.clip_frames)
    frames = random.integers(0, 256, (*shape, INPUT_PIXELS, INPUT_PIXELS), np.uint8)
    samples = (args.num_clips, args.clip_frames * SAMPLES_PER_FRAME)
    waveform = random.integers(-5000, 5000, samples).astype(np.int16)
    sound = np.asarray(stacked_log_filterbank(jnp.asarray(waveform), amplitude="float"))
    np.savez(folder / "batch.npz", frames=frames, waveform=waveform, sound=sound)
    (folder / "sizes.json").write_text(json.dumps(SIZES[args.size]))


def measure(args: argparse.Namespace, folder: Path, *, stream: str, dtype: str) -> None:
    others = []
    if args.torch_python:  # first: it makes the weights
        module = (args.torch_python, "-m", "tests.benchmarks.avhubert_torch", str(folder), stream)
        others = [
            Side(f"torch {stream} {name}", *module, name, updates=args.batches)
            for name in PRECISIONS[dtype]
        ]
    module = (sys.executable, "-m", "tests.benchmarks.avhubert_loop", str(folder), stream)
    ours = Side(f"avsync {stream} {dtype}", *module, dtype, updates=args.batches)
    take_turns([ours, *others], rounds=args.rounds)
    for side in (ours, *others):
        side.close()
        report(side)
    for other in others:
        compare(ours, other)
    if others:
        report_differences(folder, stream, dtype)
    print(f"load average {os.getloadavg()[0]:.1f}", flush=True)


def report_differences(folder: Path, stream: str, dtype: str) -> None:
    """Prints how much the features in `dtype`, of avsync and PyTorch, differ from PyTorch's."""
    files = [f"{stream}_{dtype}_avsync.npy"]
    files += [f"{stream}_{precision}.npy" for precision in PRECISIONS[dtype]]
    for name in files:
        exact = folder / f"{stream}_float32.npy"
        if exact.exists() and exact.name != name:
            largest, relative = differences(np.load(folder / name), np.load(exact))
            print(f"{name}: at most {largest:.2g} from {exact.name}, {relative:.2g} relative (L2)")


def differences(found: np.ndarray, exact: np.ndarray) -> tuple[float, float]:
    """The largest difference, and the norm of all differences relative to that of `exact`."""
    difference = np.abs(found - exact)
    return float(difference.max()), float(np.linalg.norm(difference) / np.linalg.norm(exact))


if __name__ == "__main__":
    main()
