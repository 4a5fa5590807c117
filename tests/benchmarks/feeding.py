"""Frames per second that this host feeds to a training: mouth crops in each storage, and features.

    python -m tests.benchmarks.feeding --data_dir=data --dataset=grid --split=train

Stores some clips of the split anew in each storage, and random features as wide as those of
AV-HuBERT Large; then reads batches of all of them in turns, as training does. CPU seconds are those
of the whole process; what the host feeds is what one CPU second gives, on all its cores.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from avsync.config import default
from avsync.datasets.base import open_source
from avsync.datasets.folder import Builder
from avsync.input_pipeline.clips import read_clips
from avsync.input_pipeline.training import train_batches
from avsync.markdown import table
from avsync.pp.augmentation import Augmentation
from avsync.records.clip_record import STORAGES
from avsync.types import Clip, Source
from tests.benchmarks import random_features

# Batches that are read ahead while another storage is measured.
READ_AHEAD = 4


class Fed(NamedTuple):
    """A storage: bytes of a clip, and frames that its batches hold by wall and by CPU second."""

    kilobytes: float
    per_second: list[float]
    per_cpu_second: list[float]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data_dir", type=Path, required=True)
    parser.add_argument("--dataset", default="synthetic_talkers")
    parser.add_argument("--split", default="train")
    parser.add_argument("--clips", type=int, default=32)
    parser.add_argument("--batches", type=int, default=20, help="of each storage in a round")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args(arguments)
    source = open_source(args.dataset, args.split, data_dir=args.data_dir)
    compare(source, num_clips=args.clips, num_batches=args.batches, rounds=args.rounds)


def compare(source: Source, *, num_clips: int, num_batches: int, rounds: int) -> None:
    """Prints a line for each storage of the first clips of `source`, and for features."""
    clips = {clip.clip_id: clip for clip in read_clips(source, range(num_clips))}
    with tempfile.TemporaryDirectory() as folder:
        sources = {name: store(clips, Path(folder, name), name) for name in STORAGES}
        random_features.main(Path(folder, "features"), num_clips)
        sources["features"] = open_source(
            "random", "train", data_dir=Path(folder, "features", "tfds"), trim="none"
        )
        fed = feed(sources, num_batches=num_batches, rounds=rounds)
    cores = len(os.sched_getaffinity(0))
    load = os.getloadavg()[0]
    print(f"{len(clips)} clips of {source.dataset}/{source.split}, load average {load:.1f}")
    head = ["storage", "kB a clip", "frames/s now", "frames per CPU second", f"{cores} cores feed"]
    rows = [
        [
            name,
            f"{each.kilobytes:,.0f}",
            f"{np.median(each.per_second):,.0f}",
            f"{np.median(each.per_cpu_second):,.0f} ({min(each.per_cpu_second):,.0f} to "
            f"{max(each.per_cpu_second):,.0f})",
            f"{cores * np.median(each.per_cpu_second):,.0f} frames/s",
        ]
        for name, each in fed.items()
    ]
    print(table(head, rows))


def store(clips: dict[str, Clip], data_dir: Path, storage: str) -> Source:
    """The clips as a dataset of their own."""
    splits = {"train": list(clips)}
    Builder(data_dir=data_dir, prepared=clips, splits=splits, storage=storage).write()
    return open_source("folder", "train", data_dir=data_dir)


def feed(sources: dict[str, Source], *, num_batches: int, rounds: int) -> dict[str, Fed]:
    """Reads batches of all sources in turns."""
    data = default().data
    fed, batches = {}, {}
    for name, source in sources.items():
        files = [path for path in source.directory.iterdir() if ".tfrecord" in path.name]
        size = sum(path.stat().st_size for path in files) / source.num_clips
        fed[name] = Fed(size / 1000, [], [])
        batches[name] = iter(
            train_batches(
                source,
                batch_size=data.batch_size,
                window_frames=data.window_frames,
                trim=source.extraction.trim if source.extraction else data.trim,
                seed=0,
                augmentation=Augmentation(**data.augmentation),
            )
        )
    for _ in range(rounds):
        for name, rows in batches.items():
            num_frames(rows, READ_AHEAD)
            wall, cpu = time.perf_counter(), time.process_time()
            count = num_frames(rows, num_batches)
            fed[name].per_second.append(count / (time.perf_counter() - wall))
            fed[name].per_cpu_second.append(count / (time.process_time() - cpu))
    return fed


def num_frames(rows: Iterator[Any], num_batches: int) -> int:
    """The frames of the next batches, padding included."""
    return sum(next(rows).batch.valid.size for _ in range(num_batches))


if __name__ == "__main__":
    main()
