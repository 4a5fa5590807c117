"""Batches to train on: shuffle, skip, decode, trim, window, augment.

Batch n is a function of (seed, n, host) alone: the stream is a sequence of epochs, each a
permutation drawn from (seed, epoch), and record p of the stream draws its randomness from
(seed, p). A restarted run starts reading at record n * batch_size, in the epoch where it left off,
and skips serialized records, before anything is parsed or decoded.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import tensorflow as tf

from avsync.input_pipeline.records import open_records, read_file, share
from avsync.pp import augment, window
from avsync.types import Batch, Host, Source

# Serialized clips held for shuffling; they are about 0.4 MB each, so this is below 0.5 GB.
SHUFFLE_CLIPS = 1024

ALONE = Host()


class TrainBatch(NamedTuple):
    """A batch for the device and, for the log, the id of each row's clip.

    Of a row of several clips it is that of a fake, if there is one.
    """

    batch: Batch
    clip_ids: list[str]


def train_batches(
    source: Source,
    *,
    batch_size: int,
    window_frames: int,
    trim: str,
    seed: int,
    first_step: int = 0,
    host: Host = ALONE,
    amount: augment.Augmentation | None = None,
) -> Iterator[TrainBatch]:
    """An endless stream of batches of this host's clips, beginning with batch `first_step`.

    `batch_size` is this host's. `amount` None means no augmentation: the central crop.
    ValueError if this host's share of `source` is empty.
    """
    files, num_clips = share(source, host)
    if num_clips == 0:
        raise ValueError(
            f"{source.dataset}/{source.split} has {source.num_clips} clips: none is left for "
            f"process {host.index} of {host.count}. Use fewer processes or more clips."
        )
    epoch, skip = divmod(first_step * batch_size, num_clips)
    records = open_records(source, trim=trim)

    def read_epoch(index: Any) -> tf.data.Dataset:
        seeds = tf.random.split(tf.stack([tf.constant(seed, tf.int64), index]), 2)
        shuffle_seed: Any = tf.cast(seeds[1, 0], tf.int64)
        order = tf.argsort(tf.random.stateless_uniform([len(files)], seeds[0]))
        rows = tf.data.Dataset.from_tensor_slices(tf.gather(tf.constant(files), order))
        return rows.interleave(read_file, cycle_length=4).shuffle(
            min(num_clips, SHUFFLE_CLIPS),
            seed=shuffle_seed,
            reshuffle_each_iteration=False,
        )

    def make_example(position: tf.Tensor, record: tf.Tensor) -> dict[str, Any]:
        stream = position * host.count + host.index
        seeds = tf.random.split(tf.stack([tf.constant(seed, tf.int64), stream]), 3)
        clip = records.parse(record)
        kept = records.keep(clip, seeds[0])
        kept = window.random_window(kept, window_frames=window_frames, seed=seeds[1])
        visual, audio = records.load(clip, kept, amount, seeds[2])
        return {
            "clip_id": clip["clip_id"],
            "visual": window.pad(visual, window_frames),
            "audio": window.pad(audio, window_frames * records.audio_steps),
            "valid": tf.range(window_frames) < tf.shape(visual)[0],
            "label": clip["label"],
        }

    dataset = (
        tf.data.Dataset.range(epoch, tf.int64.max)
        .flat_map(read_epoch)
        .skip(skip)
        .enumerate(epoch * num_clips + skip)
        .map(make_example, num_parallel_calls=tf.data.AUTOTUNE)
        .batch(batch_size, drop_remainder=True)
        .prefetch(2)
    )
    items: Any = dataset.as_numpy_iterator()
    for item in items:
        valid = item["valid"]
        batch = Batch(item["visual"], item["audio"], valid, counted=valid, label=item["label"])
        yield TrainBatch(batch, [clip_id.decode() for clip_id in item["clip_id"]])
