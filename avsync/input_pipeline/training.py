"""Batches to train on: shuffle, skip, decode, trim, window, augment.

Batch n is a function of (seed, n) alone, and each of several hosts reads its rows of it. The clips
are a stream of epochs, each a permutation drawn from (seed, epoch), of which batch n is numbers
n * batch_size to (n + 1) * batch_size; number g draws its randomness from (seed, g).

Rows are read by slots, so that a host opens only the files that its rows are in: slot r of S reads
the numbers g = r (mod S). In an epoch of N clips these are all of part (r - epoch * N) mod S of the
split, in an order of their own. Slots never change, whatever the number of hosts; hosts share them.

A restarted run starts reading in the epoch where it left off, and skips serialized records, before
anything is parsed or decoded.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import tensorflow as tf

from avsync.input_pipeline.records import (
    ROW_COLUMNS,
    as_written,
    num_files,
    open_records,
    read_file,
    rows_of,
    share,
)
from avsync.pp import augment, window
from avsync.types import Batch, Host, Source

# Serialized clips held for shuffling; they are about 0.4 MB each, so this is below 0.5 GB.
SHUFFLE_CLIPS = 1024

# A slot is a shuffle buffer and an open file; and the most hosts that can share a batch.
MAX_SLOTS = 64

# Slots whose parts lie in one file each read it from its beginning. Of datasets in few files there
# are so few slots that in all this reads everything less than three times.
MAX_SLOTS_OF_FEW_FILES = 4

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
    """An endless stream of this host's rows of the batches, beginning with batch `first_step`.

    `batch_size` is that of all hosts together. `amount` None means no augmentation: the central
    crop. ValueError if there is no clip, or if the hosts cannot share the rows evenly.
    """
    num_clips = source.num_clips
    if num_clips == 0:
        raise ValueError(f"{source.dataset}/{source.split} is empty: there is nothing to train on")
    num_slots = count_slots(source, batch_size=batch_size, host=host)
    rows_per_slot = batch_size // num_slots
    parts = [rows_of(source, share(num_clips, Host(i, num_slots))) for i in range(num_slots)]
    row_shape = (len(ROW_COLUMNS),)
    rows_of_part = tf.ragged.constant(parts, dtype=tf.string, ragged_rank=1, inner_shape=row_shape)
    records = open_records(source, trim=trim)

    @as_written
    def read_slot(slot: Any) -> tf.data.Dataset:
        first = first_step * batch_size + slot
        numbers = tf.data.Dataset.range(first, tf.int64.max, num_slots)
        clips = tf.data.Dataset.range(first // num_clips, tf.int64.max)
        clips = clips.flat_map(lambda epoch: read_epoch(slot, epoch))
        return tf.data.Dataset.zip(numbers, clips.skip(first % num_clips // num_slots))

    @as_written
    def read_epoch(slot: Any, epoch: Any) -> tf.data.Dataset:
        part = (slot - epoch * num_clips) % num_slots
        order_of_part = tf.stack([tf.constant(seed, tf.int64), epoch * num_slots + part])
        seeds = tf.random.split(order_of_part, 2)
        shuffle_seed: Any = tf.cast(seeds[1, 0], tf.int64)
        files: Any = rows_of_part[part]
        order = tf.argsort(tf.random.stateless_uniform(tf.shape(files)[:1], seeds[0]))
        rows = tf.data.Dataset.from_tensor_slices(tf.gather(files, order))
        return rows.interleave(read_file, cycle_length=4).shuffle(
            max(SHUFFLE_CLIPS // num_slots, 1),
            seed=shuffle_seed,
            reshuffle_each_iteration=False,
        )

    @as_written
    def make_example(number: tf.Tensor, record: tf.Tensor) -> dict[str, Any]:
        seeds = tf.random.split(tf.stack([tf.constant(seed, tf.int64), number]), 3)
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

    slots = share(num_slots, host)
    dataset = (
        tf.data.Dataset.range(slots.start, slots.stop)
        # A batch is the rows of the first slot, those of the second, ...: so the rows of one host
        # after those of the other are the batch that one host alone would read.
        .interleave(read_slot, cycle_length=len(slots), block_length=rows_per_slot)
        .map(make_example, num_parallel_calls=tf.data.AUTOTUNE)
        .batch(len(slots) * rows_per_slot, drop_remainder=True)
        .prefetch(2)
    )
    items: Any = dataset.as_numpy_iterator()
    for item in items:
        valid = item["valid"]
        batch = Batch(item["visual"], item["audio"], valid, loss_mask=valid, label=item["label"])
        yield TrainBatch(batch, [clip_id.decode() for clip_id in item["clip_id"]])


def count_slots(source: Source, *, batch_size: int, host: Host) -> int:
    """How many slots a batch is read by, whatever the number of hosts.

    ValueError if the hosts cannot share them evenly.
    """
    most = min(MAX_SLOTS, max(num_files(source), MAX_SLOTS_OF_FEW_FILES))
    num_slots = max(n for n in range(1, most + 1) if batch_size % n == 0)
    if num_slots % host.count:
        raise ValueError(
            f"{source.dataset}/{source.split} lies in {num_files(source)} files, so that batches "
            f"of {batch_size} clips are read by {num_slots} at once, which {host.count} processes "
            f"cannot share evenly. The number of processes must divide {num_slots}: change it, "
            "config.data.batch_size, or prepare the dataset in more files."
        )
    return num_slots
