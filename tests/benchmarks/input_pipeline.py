"""CPU time of the input pipeline by stage, compared with that of an update.

    python -m tests.benchmarks.input_pipeline --data_dir=data --dataset=grid --cores=1
    python -m tests.benchmarks.input_pipeline --data_dir=data --dataset=grid --cores=2
    python -m tests.benchmarks.input_pipeline --data_dir=data --dataset=grid --steps=10000

Measures CPU time, which is steadier than wall time on a shared machine: of each stage alone, on the
in-memory output of the previous stages, minus the overhead of passing it on; and of the whole
pipeline as training reads it. Then compares formats for storing mouth crops and the frames/s that
this host feeds from each and from features, and times the update of configs/quickstart.py on a
batch of these clips, on --cores cores. With --steps it only reads
that many batches and prints the memory of the process.
"""

import argparse
import itertools
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from avsync import parallel
from avsync.build_training import make_training
from avsync.config import Config, default
from avsync.datasets.base import open_source
from avsync.input_pipeline.records import (
    as_tensors,
    file_slices,
    open_records,
    read_records,
    read_slice,
    slice_dataset,
)
from avsync.input_pipeline.training import train_batches
from avsync.pp import frames
from avsync.pp.augmentation import Augmentation
from avsync.train.state import new_state
from avsync.train.step import make_train_step
from avsync.types import Source
from tests.benchmarks import crop_storage, feeding

SEED = tf.constant([1, 2])

# Clips that each stage runs on; reading more of them into memory takes longer.
CLIPS_IN_MEMORY = 16

# At least as many batches as the pipeline prefetches.
READ_AHEAD = 8

# Lines of memory use, the first after a thousandth of the steps.
MEMORY_REPORTS = 10


class Cost(NamedTuple):
    """Seconds per element."""

    wall: float
    cpu: float


def main(arguments: Sequence[str] | None = None) -> None:
    args = parse(arguments)
    if args.cores:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: args.cores])
    config = make_config(args)
    source = open_source(config.data.dataset, config.data.train_split, data_dir=args.data_dir)
    if args.steps:
        follow_memory(config, source, num_steps=args.steps)
        return
    print(f"{source.dataset}/{source.split} on {args.cores or os.cpu_count()} cores")
    pipeline = measure_stages(config, source, num_clips=args.num_clips, rounds=args.rounds)
    serialized = read_records(source, range(args.storage_clips))
    crop_storage.compare(open_records(source, trim="none"), serialized)
    num_batches = max(1, args.num_clips // args.batch_size)
    feeding.compare(
        source, num_clips=args.storage_clips, num_batches=num_batches, rounds=args.rounds
    )
    if args.updates:
        compare_with_trainer(config, pipeline, num_updates=args.updates)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data_dir", type=Path, required=True)
    parser.add_argument("--dataset", default="synthetic_talkers")
    parser.add_argument("--cores", type=int, default=0, help="0: all cores")
    parser.add_argument("--num_clips", type=int, default=256, help="per round of each stage")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--storage_clips", type=int, default=8)
    parser.add_argument("--updates", type=int, default=10, help="of the trainer; 0: none")
    parser.add_argument("--window_frames", type=int, default=default().data.window_frames)
    parser.add_argument("--batch_size", type=int, default=default().data.batch_size)
    parser.add_argument("--steps", type=int, default=0, help="only read this many batches")
    return parser.parse_args(arguments)


def make_config(args: argparse.Namespace) -> Config:
    """The config of the quickstart on this dataset."""
    config = default()
    config.data.update(dataset=args.dataset, data_dir=str(args.data_dir))
    config.data.update(window_frames=args.window_frames, batch_size=args.batch_size)
    return config


def measure_stages(config: Config, source: Source, *, num_clips: int, rounds: int) -> Cost:
    """Prints the cost of each stage per clip; returns that of the whole pipeline."""
    data = config.data
    window_frames, augmentation = data.window_frames, Augmentation(**data.augmentation)
    records = open_records(source, trim=data.trim)
    slices = as_tensors(file_slices(source, range(source.num_clips)))
    files = slice_dataset(slices).interleave(read_slice, cycle_length=4)

    def cut(clip: Any, span: Any) -> tuple[Any, Any, Any]:
        return frames.random_window(span, window_frames=window_frames, seed=SEED), clip["frames"], 0

    def load(augmentation: Augmentation | None) -> Callable[..., Any]:
        return lambda clip, span: records.load(clip, span, augmentation, SEED)

    def pad(visual: Any, audio: Any) -> tuple[Any, Any]:
        num_steps = window_frames * records.audio_steps
        return frames.pad(visual, window_frames), frames.pad(audio, num_steps)

    serialized = in_memory(files.take(CLIPS_IN_MEMORY))
    parsed = in_memory(serialized.map(records.parse))
    trimmed = in_memory(parsed.map(lambda clip: (clip, records.trim(clip, SEED))))
    windowed = in_memory(
        trimmed.map(
            lambda clip, span: (
                clip,
                frames.random_window(span, window_frames=window_frames, seed=SEED),
            )
        )
    )
    loaded = in_memory(windowed.map(load(None)))
    batched = loaded.map(pad).repeat().batch(data.batch_size)
    # For each stage a dataset with it, and one without it whose cost is subtracted.
    nothing = {"parse": serialized, "trim": parsed, "window": trimmed, "decode": windowed}
    handing = {name: clips.map(lambda *clip: clip) for name, clips in nothing.items()}
    alone = {
        "read": (files.repeat(), None),
        "parse": (serialized.map(records.parse), handing["parse"]),
        "trim": (parsed.map(lambda clip: records.trim(clip, SEED)), handing["trim"]),
        "window": (trimmed.map(cut), handing["window"]),
        "decode": (windowed.map(load(None)), handing["decode"]),
        "augment": (windowed.map(load(augmentation)), windowed.map(load(None))),
        "batch": (batched.unbatch(), loaded.map(lambda *clip: clip).repeat()),
    }
    costs = {name: [] for name in ("whole", *alone)}
    whole = iter(
        train_batches(
            source,
            batch_size=data.batch_size,
            window_frames=window_frames,
            trim=data.trim,
            seed=0,
            augmentation=augmentation,
        )
    )
    num_batches = max(num_clips // data.batch_size, 1)

    def read(num_batches: int) -> None:
        for _ in range(num_batches):
            next(whole)

    for _ in range(rounds):  # in turns, so that other load on the machine affects all stages
        for name, (stage, without) in alone.items():
            costs[name].append(less(run(stage, num_clips), without and run(without, num_clips)))
        read(READ_AHEAD)  # read ahead while the stages were measured
        cost = time_of(lambda: read(num_batches))
        costs["whole"].append(per(cost, num_batches * data.batch_size))
    medians = {name: Cost(*np.median(found, axis=0)) for name, found in costs.items()}
    print_stages(medians, frames_per_clip=window_frames)
    return medians["whole"]


def print_stages(costs: dict[str, Cost], *, frames_per_clip: int) -> None:
    whole = costs["whole"]
    total = sum(cost.cpu for name, cost in costs.items() if name != "whole")
    print(f"{'stage':>10} {'CPU ms/clip':>14} {'share':>7}")
    for name, cost in costs.items():
        print(f"{name:>10} {1000 * cost.cpu:14.3f} {cost.cpu / total:7.1%}")
    for name in ("read", "whole"):
        rate = 1 / costs[name].wall
        print(f"{name} alone: {rate:,.1f} clips/s, {rate * frames_per_clip:,.0f} frames/s")
    rate = frames_per_clip / whole.cpu
    print(f"pipeline: {rate:,.0f} frames per CPU second")


def in_memory(clips: tf.data.Dataset) -> tf.data.Dataset:
    cached = clips.cache()
    for _ in cached:  # reading it fills the cache
        pass
    return cached


def run(stage: tf.data.Dataset, num_clips: int) -> Cost:
    """The cost per element of `num_clips` elements that never leave TensorFlow."""
    elements = stage.repeat().take(num_clips).prefetch(2)
    return per(time_of(lambda: elements.reduce(0, lambda n, *_: n + 1)), num_clips)


def time_of(work: Callable[[], Any]) -> Cost:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Cost(time.perf_counter() - wall, time.process_time() - cpu)


def per(cost: Cost, count: int) -> Cost:
    return Cost(cost.wall / count, cost.cpu / count)


def less(cost: Cost, other: Cost | None) -> Cost:
    return Cost(cost.wall - other.wall, cost.cpu - other.cpu) if other else cost


def compare_with_trainer(config: Config, pipeline: Cost, *, num_updates: int) -> None:
    """Prints the cost of an update next to that of its batch."""
    job = make_training(config)
    state = new_state(job.init(), optimiser=job.rule.optimiser, plateau=job.plateau)
    state = parallel.replicate(state)
    step = make_train_step(job.apply_in_training, job.rule)
    update = parallel.map_step(step, donate_state=True)
    (batch, _) = next(job.batches(0))
    placed = parallel.shard_batch(batch)

    def train(num_updates: int) -> None:
        nonlocal state
        for _ in range(num_updates):
            state, metrics = update(state, placed)
            float(metrics["loss"])

    train(1)  # compiles
    cost = per(time_of(lambda: train(num_updates)), num_updates * batch.valid.size)
    pipeline = per(pipeline, config.data.window_frames)
    print(f"trainer: {1 / cost.wall:,.0f} frames/s, {1 / cost.cpu:,.0f} frames per CPU second")
    share = pipeline.cpu / (pipeline.cpu + cost.cpu)
    print(f"share of the pipeline in the CPU time of training: {share:.1%}")


def follow_memory(config: Config, source: Source, *, num_steps: int) -> None:
    """Prints the resident memory of this process while it reads `num_steps` batches."""
    data = config.data
    batches = train_batches(
        source,
        batch_size=data.batch_size,
        window_frames=data.window_frames,
        trim=data.trim,
        seed=0,
        augmentation=Augmentation(**data.augmentation),
    )
    every = max(num_steps // MEMORY_REPORTS, 1)
    for step, _ in enumerate(itertools.islice(batches, num_steps), start=1):
        if step % every == 0 or step == max(every // 100, 1):
            print(f"step {step:,}: {resident_mib():,.0f} MiB", flush=True)


def resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    main()
