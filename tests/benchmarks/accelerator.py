"""What matters on an accelerator, in one command and one table, in less than nine minutes.

    python -m tests.benchmarks.accelerator                        # on whatever device is there
    python -m tests.benchmarks.accelerator --rows head score --peak_tflops=989

Frames per second, MFU, share of the time in which the devices wait for input, and memory, before
and after each knob: training of the paper's head on features from disk, of the small aligner on
clips from disk, scoring of a clip, extraction with AV-HuBERT, and a fine-tuning update of it, all
with random weights and data. On a CPU, and with --size=small, with small models.

MFU is the rate of convolutions and matrix products over the peak of the dtype they are computed in:
that of the data sheet, --peak_tflops for both, or for unknown devices that of a large product,
measured. Memory is what the compiler plans for one device: arguments and temporary arrays. The
first case of each row comes first; those that would begin after --minutes are not run.
"""

import argparse
import itertools
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax

from avsync import markdown, runtime
from avsync.train.flops import measured_peak
from tests.benchmarks import accelerator_cases as cases

GIB = 2**30

# Dense, in TFLOP/s: bfloat16, and what float32 is computed in by default (TF32 on GPUs, one pass of
# bfloat16 on TPUs). From the data sheets; the kind of device begins with the name.
PEAKS = {
    "NVIDIA H100 PCIe": (756, 378),
    "NVIDIA H100": (989, 495),
    "NVIDIA H200": (989, 495),
    "NVIDIA B200": (2250, 1125),
    "NVIDIA A100": (312, 156),
    "NVIDIA L40S": (362, 183),
    "NVIDIA L4": (121, 60),
    "TPU v4": (275, 275),
    "TPU v5 lite": (197, 197),
    "TPU v5e": (197, 197),
    "TPU v5": (459, 459),
    "TPU v6 lite": (918, 918),
    "TPU v6e": (918, 918),
}


class Row(NamedTuple):
    what: str
    knobs: str
    cells: tuple[str, ...]


HEAD = ("what", "knobs", "frames/s", "MFU", "waits for input", "memory, GiB", "ready after, s")


def main(arguments: Sequence[str] | None = None) -> list[Row]:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", choices=("auto", *cases.SIZES), default="auto")
    parser.add_argument("--rows", nargs="*", choices=list(cases.GROUPS), default=list(cases.GROUPS))
    parser.add_argument("--knobs", type=int, default=99, help="of each row, at most")
    parser.add_argument("--peak_tflops", type=float, help="of one device, instead of the table")
    parser.add_argument("--seconds", type=float, default=3.0, help="measured, per case")
    parser.add_argument("--minutes", type=float, default=8.0, help="after which no case begins")
    args = parser.parse_args(arguments)
    runtime.start()
    is_cpu = jax.default_backend() == "cpu"
    size = cases.SIZES[("tiny" if is_cpu else "full") if args.size == "auto" else args.size]
    device, deadline = jax.devices()[0], time.monotonic() + 60 * args.minutes
    peak = make_peak(device.device_kind, args.peak_tflops)
    print(
        f"{jax.local_device_count()} x {device.device_kind}, {os.cpu_count()} cores, jax "
        f"{jax.__version__}; load average {os.getloadavg()[0]:.1f}\n",
        flush=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        groups = [list(cases.GROUPS[name](size, Path(folder)))[: args.knobs] for name in args.rows]
        measured = measure_all(groups, seconds=args.seconds, deadline=deadline, peak=peak)
    rows = [measured[case] for group in groups for case in group]
    print(markdown.table(HEAD, [(row.what, row.knobs, *row.cells) for row in rows]))
    if stats := device.memory_stats():
        print(f"\nhighest memory of the first device: {stats['peak_bytes_in_use'] / GIB:.2f} GiB")
    return rows


def make_peak(kind: str, given_tflops: float | None) -> Callable[[str], float]:
    """The peak of one device, operations per second, by the dtype of a product."""
    if given_tflops:
        return lambda _: 1e12 * given_tflops
    for name, (half, single) in PEAKS.items():
        if kind.startswith(name):
            return lambda dtype: 1e12 * (half if dtype == "bfloat16" else single)
    measured: dict[str, float] = {}

    def peak(dtype: str) -> float:
        if dtype not in measured:
            measured[dtype] = measured_peak(dtype)
        return measured[dtype]

    return peak


def measure_all(
    groups: Sequence[Sequence[cases.Case]],
    *,
    seconds: float,
    deadline: float,
    peak: Callable[[str], float],
) -> dict[cases.Case, Row]:
    """The rows of all cases: the first of each group, the second of each, and so on.

    Where the time is short, every group has a figure.
    """
    rows = {}
    turns = itertools.zip_longest(*groups)
    for case in (case for turn in turns for case in turn if case is not None):
        began = time.monotonic()
        if began > deadline:
            cells: tuple[str, ...] = ("not run: out of time", "", "", "", "")
        else:
            try:
                cells = measure(case, seconds=seconds, peak=peak)
            except jax.errors.JaxRuntimeError as error:
                if "RESOURCE_EXHAUSTED" not in str(error):
                    raise
                cells = ("out of memory", "", "", "", "")
        row = rows[case] = Row(case.what, case.knobs, cells)
        # What is measured is seen even if the command is ended.
        print(f"{time.monotonic() - began:5.0f} s  {row.what}, {row.knobs}: {cells[0]}", flush=True)
    return rows


def measure(
    case: cases.Case, *, seconds: float, peak: Callable[[str], float]
) -> tuple[str, str, str, str, str]:
    """The cells of a row behind its knobs."""
    since = time.perf_counter()
    with case.start() as work:
        work.run(2)  # compiles
        ready_seconds = time.perf_counter() - since
        since = time.perf_counter()
        work.run(1)
        # Three updates or more, even where one takes longer than `seconds`.
        num_runs = max(3, round(seconds / (time.perf_counter() - since)))
        work.data_wait()
        since = time.perf_counter()
        num_frames = work.run(num_runs)
        taken = time.perf_counter() - since
        waited = work.data_wait()
        flops, memory = work.cost()
        at_peak = num_runs * sum(n / peak(dtype) for dtype, n in flops.items())
    return (
        f"{num_frames / taken:,.0f}",
        f"{at_peak / taken:.1%}",
        "-" if waited is None else f"{waited:.0%}",
        f"{planned(memory) / GIB:.2f}",
        f"{ready_seconds:.0f}",
    )


def planned(memory: Any) -> float:
    """Bytes on one device: what is donated is counted once."""
    written = memory.output_size_in_bytes - memory.alias_size_in_bytes
    return memory.argument_size_in_bytes + memory.temp_size_in_bytes + written


if __name__ == "__main__":
    main()
