"""CPU time that augmentation adds to the input pipeline, and the cost of each op.

    python -m tests.benchmarks.augmentation --data_dir=data --dataset=grid --cores=1

First whole pipelines as training reads them, in turns: without augmentation, with that of the
default config, and with all ops (`STRANGERS`) at several probabilities. Then each op alone, on
clips in memory, for the clips that get it: its cost in a training is this times its probability.
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from avsync.config import default
from avsync.datasets.base import open_source
from avsync.input_pipeline.records import Records, no_autograph, open_records, read_records
from avsync.input_pipeline.training import train_batches
from avsync.pp import augment
from avsync.pp.augment.draws import GEOMETRY, OPS
from avsync.pp.augmentation import STRANGERS, Augmentation
from avsync.types import Source
from avsync.units import CROP_PIXELS, SAMPLES_PER_FRAME
from tests.benchmarks.input_pipeline import READ_AHEAD, in_memory, less, per, run, time_of

CLIPS_IN_MEMORY = 8


def main(arguments: Sequence[str] | None = None) -> None:
    args = parse(arguments)
    if args.cores:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: args.cores])
    source = open_source(args.dataset, "train", data_dir=args.data_dir)
    print(f"{source.dataset}/{source.split} on {args.cores or os.cpu_count()} cores")
    compare_pipelines(source, args)
    compare_ops(source, args)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data_dir", type=Path, required=True)
    parser.add_argument("--dataset", default="synthetic_talkers")
    parser.add_argument("--cores", type=int, default=0, help="0: all cores")
    parser.add_argument("--num_clips", type=int, default=128, help="per round of each pipeline")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--window_frames", type=int, default=default().data.window_frames)
    parser.add_argument("--batch_size", type=int, default=default().data.batch_size)
    return parser.parse_args(arguments)


def compare_pipelines(source: Source, args: argparse.Namespace) -> None:
    """Prints CPU ms per clip of the whole pipeline, in turns so that other load affects all."""
    variants = {"none": None, "default": Augmentation()} | {
        f"all, p = {p:g}": STRANGERS._replace(probability=p) for p in (0.1, 0.25, 0.5, 1.0)
    }
    batches = {
        name: iter(
            train_batches(
                source,
                batch_size=args.batch_size,
                window_frames=args.window_frames,
                trim="leading",
                seed=0,
                augmentation=augmentation,
            )
        )
        for name, augmentation in variants.items()
    }
    num_batches = max(args.num_clips // args.batch_size, 1)

    def read(name: str, count: int) -> None:
        for _ in range(count):
            next(batches[name])

    costs = {name: [] for name in variants}
    for _ in range(args.rounds):
        for name in variants:
            read(name, READ_AHEAD)  # what was read ahead while others were measured
            cost = time_of(lambda name=name: read(name, num_batches))
            costs[name].append(per(cost, num_batches * args.batch_size).cpu)
    medians = {name: 1000 * float(np.median(found)) for name, found in costs.items()}
    print(f"{'pipeline':>14} {'CPU ms/clip':>12} {'spread':>13} {'of default':>11}")
    for name, median in medians.items():
        low, high = 1000 * min(costs[name]), 1000 * max(costs[name])
        share = median / medians["default"] - 1
        print(f"{name:>14} {median:12.2f} {low:6.2f}-{high:6.2f} {share:+11.1%}")


def compare_ops(source: Source, args: argparse.Namespace) -> None:
    """Prints CPU ms per clip of each op, beyond the augmentation of the default config."""
    records = open_records(source, trim="none")
    clips = read_records(source, range(min(CLIPS_IN_MEMORY, source.num_clips)))
    decoded = in_memory(clips.map(lambda record: decode(records, record, args.window_frames)))
    always = Augmentation(probability=1.0)
    groups = {op: (op,) for op in OPS if op not in GEOMETRY} | {"geometry": GEOMETRY}
    options = {
        name: always._replace(**{op: getattr(STRANGERS, op) for op in ops})
        for name, ops in groups.items()
    } | {"all": STRANGERS._replace(probability=1.0)}
    costs = {name: [] for name in options}
    for _ in range(args.rounds):
        without = run(augmented(decoded, always), args.num_clips)
        for name, augmentation in options.items():
            cost = run(augmented(decoded, augmentation), args.num_clips)
            costs[name].append(less(cost, without).cpu)
    print(f"{'op':>22} {'CPU ms/clip':>12}")
    for name, found in costs.items():
        print(f"{name:>22} {1000 * float(np.median(found)):12.2f}")


@no_autograph
def decode(records: Records, record: tf.Tensor, num_frames: int) -> tuple[tf.Tensor, tf.Tensor]:
    """uint8 [t 96 96 1] and int16 [640 t] of up to `num_frames` frames."""
    clip = records.parse(record)
    pictures = tf.map_fn(
        lambda picture: tf.io.decode_png(picture, channels=1),
        clip["frames"][:num_frames],
        fn_output_signature=tf.TensorSpec([CROP_PIXELS, CROP_PIXELS, 1], tf.uint8),
    )
    return pictures, clip["waveform"][: SAMPLES_PER_FRAME * num_frames]


def augmented(clips: tf.data.Dataset, augmentation: Augmentation) -> tf.data.Dataset:
    """The clips, augmented from the seeds 0, 1, 2 and so on."""

    @no_autograph
    def change(i: tf.Tensor, clip: tuple[tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        seed = tf.stack([tf.constant(0, tf.int64), i])
        frames, waveform = clip
        shown = augment.shown_frames(tf.shape(frames)[0], augmentation=augmentation, seed=seed)
        frames = tf.gather(frames, shown)
        return augment.augment(frames, waveform, augmentation=augmentation, seed=seed)

    return clips.repeat().enumerate().map(change)


if __name__ == "__main__":
    main()
