"""False alarms of two groups of real clips, compared with all reference clips or with their own.

    python -m tests.benchmarks.by_group grid/by_clip synthetic_talkers/full --data_dir=data

The groups are the real clips of the test splits of two datasets, scored as for a calibration of
verdicts. Reference clips are drawn from both again and again, and files of 1 and 5 clips from the
rest.
"""

import argparse
import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float
from rich.console import Console
from rich.table import Table

from avsync import build, pretrained
from avsync.checkpoint import find
from avsync.datasets.base import open_source
from avsync.evaluation.lines import TRIMS
from avsync.input_pipeline.evaluation import whole_clips
from avsync.scoring.video import reference_clips
from avsync.scoring.video.reference import Reference
from avsync.types import GROUP, REAL, WholeClip

RATE = 0.05
LENGTHS = (1, 5)
NUM_DRAWS, FILES_PER_DRAW = 200, 20

# Reference clips of the first group and of the second.
NUM_KNOWN = ((49, 49), (49, 30), (30, 90), (60, 19))

ORIGIN = {"dataset": "", "split": "", "trim": "leading", "frame": "nll", "pooling": "logmeanexp"}

Scores = Mapping[str, Float[np.ndarray, " _"]]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("datasets", nargs=2)
    parser.add_argument("--data_dir", default="data")
    parser.add_argument("--checkpoint", type=Path, default=pretrained.GRID)
    parser.add_argument("--limit", type=int, default=130, help="clips of each dataset")
    args = parser.parse_args(arguments)
    workdir, step = find(args.checkpoint)
    scorer = build.load_scorer(workdir, step, extraction=None, encoder=None, dtype=None)
    streams = [read(name, args.data_dir, args.limit) for name in args.datasets]
    found = reference_clips.measure(itertools.chain(*streams), scorer)["groups"]
    scores = {name: np.array(found[name]) for name in args.datasets}
    Console(width=120).print(table(scores, np.random.default_rng(0)))


def read(dataset: str, data_dir: str, limit: int) -> Iterator[WholeClip]:
    """The real clips of a test split, with the dataset as their group."""
    source = open_source(dataset, "test", data_dir=data_dir)
    clips = whole_clips(source, trim=TRIMS["trimmed"])
    for clip in itertools.islice((c for c in clips if c.info.label == REAL), limit):
        yield clip._replace(info=clip.info._replace(attributes={GROUP: dataset}))


def table(scores: Scores, rng: np.random.Generator) -> Table:
    """The mean rates by number of reference clips, length of the files, and group."""
    columns = [f"{name}, {basis}" for basis in ("all", "own") for name in scores]
    made = Table("clips", "file", *columns, title=f"false alarms at a rate of {RATE:.0%}")
    for numbers, length in itertools.product(NUM_KNOWN, LENGTHS):
        rates = drawn(scores, numbers, length=length, rng=rng)
        made.add_row(str(numbers), str(length), *(f"{rate:.3f}" for rate in rates))
    return made


def drawn(
    scores: Scores, num_known: Sequence[int], *, length: int, rng: np.random.Generator
) -> list[float]:
    """The rates of the groups when compared with all reference clips, then with their own."""
    alarms: list[list[bool]] = [[] for _ in range(2 * len(scores))]
    for _ in range(NUM_DRAWS):
        orders = {name: rng.permutation(own) for name, own in scores.items()}
        known = {n: o[:k].tolist() for (n, o), k in zip(orders.items(), num_known, strict=True)}
        rest = [o[k:] for o, k in zip(orders.values(), num_known, strict=True)]
        verdict = {"scores": [x for own in known.values() for x in own], "groups": known}
        verdict |= {**reference_clips.RULES, "is_speech_only": True}
        calibration = {**ORIGIN, "scores": [1.0], "verdict": verdict}
        names = [*([""] * len(scores)), *scores]
        for found, group, others in zip(alarms, names, 2 * rest, strict=True):
            reference = Reference(calibration, false_alarm_rate=RATE, group=group)
            for _ in range(FILES_PER_DRAW):
                pieces = rng.choice(others, length, replace=False)
                found.append(reference.is_alarm(reference.p_value(pieces.tolist())))
    return [float(np.mean(found)) for found in alarms]


if __name__ == "__main__":
    main()
