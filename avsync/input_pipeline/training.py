"""Training batches: shuffle, skip, decode, trim, window, augment.

Batch n is a function of (seed, n) alone, and each host reads its rows of it. The clips form a
stream of epochs, each a permutation drawn from (seed, epoch). Batch n holds the clips at positions
n * batch_size to (n + 1) * batch_size of the stream; the randomness of position g is drawn from
(seed, g).

Rows are read by slots, so that a host opens only the files of its own rows. Slot r of S reads the
positions g = r (mod S). In an epoch of N clips these are all clips of part (r - epoch * N) mod S of
the split, in an order of their own. The slots do not depend on the number of hosts; hosts share
them.

A resumed run starts in the epoch where it was interrupted, and skips serialized records before
anything is parsed or decoded.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from avsync.input_pipeline.damage import read_rows
from avsync.input_pipeline.records import (
    SINGLE_HOST,
    as_tensors,
    file_slices,
    host_range,
    no_autograph,
    num_files,
    open_records,
    read_slice,
    slice_dataset,
)
from avsync.pp import frames
from avsync.pp.augment import Augmentation
from avsync.pp.pseudo_fakes import PseudoFakes, draw
from avsync.types import Batch, Host, Source

# Serialized clips in the shuffle buffers; at about 0.4 MB each, this is below 0.5 GB.
SHUFFLE_CLIPS = 1024

# The most slots of a batch, and so the most hosts. Each has a shuffle buffer and an open file.
MAX_SLOTS = 64

# Slots whose parts lie in one file each read it from its beginning. For datasets of few files this
# limit keeps the total reading below three times the size of the data.
MAX_SLOTS_OF_FEW_FILES = 4


# Folded into the seed of the window: batches without pseudo-fakes stay what they are.
PSEUDO_FAKE_STREAM = 1


class TrainBatch(NamedTuple):
    """A batch for the device and, for the log, a clip id for each row.

    A row of several clips has the id of a fake, if there is one.
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
    host: Host = SINGLE_HOST,
    augmentation: Augmentation | None = None,
    pseudo_fakes: PseudoFakes | None = None,
) -> Iterator[TrainBatch]:
    """An endless stream of this host's rows of the batches, from batch `first_step` on.

    `batch_size` counts the rows of all hosts. Without `augmentation` crops are centre-cropped.
    With `pseudo_fakes` some clips are changed before they are augmented; `forged` marks the forged
    frames, and the loss mask leaves out changed clips. ValueError if there is no clip, or if the
    hosts cannot share the rows evenly.
    """
    num_clips = source.num_clips
    if num_clips == 0:
        raise ValueError(f"{source.dataset}/{source.split} has no clips to train on")
    num_slots = count_slots(source, batch_size=batch_size, host=host)
    rows_per_slot = batch_size // num_slots
    parts = [
        file_slices(source, host_range(num_clips, Host(i, num_slots))) for i in range(num_slots)
    ]
    slices = as_tensors([file for part in parts for file in part])
    first_of_part = tf.constant(np.cumsum([0, *map(len, parts)]), tf.int32)
    records = open_records(source, trim=trim)

    @no_autograph
    def read_slot(slot: Any) -> tf.data.Dataset:
        first = first_step * batch_size + slot
        positions = tf.data.Dataset.range(first, tf.int64.max, num_slots)
        clips = tf.data.Dataset.range(first // num_clips, tf.int64.max)
        clips = clips.flat_map(lambda epoch: read_epoch(slot, epoch))
        return tf.data.Dataset.zip(positions, clips.skip(first % num_clips // num_slots))

    @no_autograph
    def read_epoch(slot: Any, epoch: Any) -> tf.data.Dataset:
        part = (slot - epoch * num_clips) % num_slots
        order_of_part = tf.stack([tf.constant(seed, tf.int64), epoch * num_slots + part])
        seeds = tf.random.split(order_of_part, 2)
        shuffle_seed: Any = tf.cast(seeds[1, 0], tf.int64)
        first, end = first_of_part[part], first_of_part[part + 1]
        keys = tf.random.stateless_uniform(tf.reshape(end - first, [1]), seeds[0])
        order = first + tf.argsort(keys)
        files = {name: tf.gather(column, order) for name, column in slices.items()}
        return (
            slice_dataset(files)
            .interleave(read_slice, cycle_length=4)
            .shuffle(
                max(SHUFFLE_CLIPS // num_slots, 1),
                seed=shuffle_seed,
                reshuffle_each_iteration=False,
            )
        )

    @no_autograph
    def make_example(position: tf.Tensor, record: tf.Tensor) -> dict[str, Any]:
        seeds = tf.random.split(tf.stack([tf.constant(seed, tf.int64), position]), 3)
        clip = records.parse(record)
        span = records.trim(clip, seeds[0])
        span = frames.random_window(span, window_frames=window_frames, seed=seeds[1])
        marks = {}
        if pseudo_fakes:
            own_seed: Any = tf.random.fold_in(seeds[1], PSEUDO_FAKE_STREAM)
            draws = draw(span.end - span.first, options=pseudo_fakes, seed=own_seed)
            clip, span = records.change(clip, span, draws)
            forged = frames.pad(draws.forged(span.end), window_frames)
            marks = {"forged": forged, "is_changed": draws.is_changed}
        visual, audio = records.load(clip, span, augmentation, seeds[2])
        return marks | {
            "clip_id": clip["clip_id"],
            "visual": frames.pad(visual, window_frames),
            "audio": frames.pad(audio, window_frames * records.audio_steps),
            "valid": tf.range(window_frames) < tf.shape(visual)[0],
            "label": clip["label"],
        }

    slots = host_range(num_slots, host)
    dataset = (
        tf.data.Dataset.range(slots.start, slots.stop)
        # A batch holds the rows of the first slot, then those of the second, and so on. The rows of
        # all hosts, concatenated, are therefore the batch of a single host.
        .interleave(read_slot, cycle_length=len(slots), block_length=rows_per_slot)
        .map(make_example, num_parallel_calls=tf.data.AUTOTUNE)
        .batch(len(slots) * rows_per_slot, drop_remainder=True)
        .prefetch(2)
    )
    for item in read_rows(dataset, source=source):
        valid = item["valid"]
        in_loss = valid & ~item["is_changed"][:, None] if pseudo_fakes else valid
        batch = Batch(
            item["visual"], item["audio"], valid, in_loss, item["label"], item.get("forged")
        )
        yield TrainBatch(batch, [clip_id.decode() for clip_id in item["clip_id"]])


def count_slots(source: Source, *, batch_size: int, host: Host) -> int:
    """The number of slots that read a batch, independent of the number of hosts.

    ValueError if the hosts cannot share the slots evenly.
    """
    most = min(MAX_SLOTS, max(num_files(source), MAX_SLOTS_OF_FEW_FILES))
    num_slots = max(n for n in range(1, most + 1) if batch_size % n == 0)
    if num_slots % host.count:
        raise ValueError(
            f"{source.dataset}/{source.split} has {num_files(source)} files, so batches of "
            f"{batch_size} clips are read in {num_slots} parts, which {host.count} processes "
            f"cannot share evenly. The number of processes must divide {num_slots}: change it, "
            "change config.data.batch_size, or prepare the dataset in more files."
        )
    return num_slots
