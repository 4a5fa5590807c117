"""CPU time of the report of an evaluation, by the number of clips: numbers, pictures, files.

    python -m tests.benchmarks.reports --clips=1000,10000

The scores are random. Every clip has two views, the scores and poolings of a real evaluation, a
speaker, and one of nine manipulations; one clip in ten is real.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from avsync.evaluation.lines import VIEWS, Line
from avsync.evaluation.summary import compute_metrics
from avsync.reports.evaluation.report import write_report
from avsync.scoring.pooling import POOLINGS
from avsync.types import FAKE, REAL

SCORES = ("alignment", "leading_silence", "trailing_silence", "duration", "loudness", "supervised")
NUM_MANIPULATIONS = 9
NUM_SPEAKERS = 40
NUM_FRAMES = (50, 100)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--clips", default="1000,10000", help="numbers of clips, with commas")
    args = parser.parse_args(arguments)
    write(100)  # imports and fonts
    print("| clips | numbers | whole report | CPU ms a clip | peak memory |")
    print("|---|---|---|---|---|")
    for number in map(int, args.clips.split(",")):
        numbers, report = write(number)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
        print(
            f"| {number:,} | {numbers:.1f} CPU s | {report:.1f} CPU s "
            f"| {1e3 * report / number:.1f} | {peak:,.0f} MiB |"
        )


def write(num_clips: int) -> tuple[float, float]:
    """The CPU seconds of the numbers of a report, and of the report with them."""
    lines, frames = make_lines(num_clips)
    about = {"dataset": "random", "split": "test", "checkpoint": "none", "frame_scores": frames}
    started = time.process_time()
    compute_metrics(lines, **about)
    numbers = time.process_time() - started
    with tempfile.TemporaryDirectory() as folder:
        started = time.process_time()
        write_report(lines, Path(folder), **about)
        return numbers, time.process_time() - started


def make_lines(num_clips: int) -> tuple[list[Line], list[list[float]]]:
    """Lines of both views of that many clips, and the frame scores of each line."""
    rng = np.random.default_rng(0)
    lines, frames = [], []
    for index in range(num_clips):
        manipulation = f"kind_{index % NUM_MANIPULATIONS}" if index % 10 else "real"
        label = REAL if manipulation == "real" else FAKE
        num_frames = int(rng.integers(*NUM_FRAMES))
        for view in VIEWS:
            lines.append(
                Line(
                    clip_id=f"clip_{index}",
                    view=view,
                    label=label,
                    category="RV-RA" if label == REAL else ("RV-FA", "FV-RA", "FV-FA")[index % 3],
                    manipulation=manipulation,
                    identity=f"speaker_{index % NUM_SPEAKERS}",
                    fake_segments=[(0.4, 1.2)] if label == FAKE else (),
                    attributes={"gender": "fm"[index % 2]},
                    num_frames=num_frames,
                    offset_frames=0,
                    offset_margin=1.0,
                    scores={name: float(rng.normal(label)) for name in SCORES},
                    poolings={name: float(rng.normal(label)) for name in POOLINGS},
                )
            )
            frames.append(rng.normal(label, size=num_frames).tolist())
    return lines, frames


if __name__ == "__main__":
    main()
