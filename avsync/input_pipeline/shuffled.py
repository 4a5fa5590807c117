"""The clips of a split in a random order that only needs to read its files from front to back.

The clips form a stream of epochs, each a permutation drawn from (seed, epoch). Slot r of S reads
the positions g = r (mod S) of the stream. In an epoch of N clips these are all clips of part
(r - epoch * N) mod S of the split, in an order of their own: its files in a random order, four at
once, and then a shuffle buffer.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from avsync.input_pipeline.records import (
    as_tensors,
    file_slices,
    host_range,
    no_autograph,
    read_slice,
    slice_dataset,
)
from avsync.types import Host, Source

# (slot, position) -> the serialized clips at this position of the stream, one of the slot's own,
# and at all that follow it in the slot.
ReadFrom = Callable[[Any, Any], tf.data.Dataset]


def shuffled_clips(source: Source, *, seed: int, num_slots: int, buffer_clips: int) -> ReadFrom:
    """The stream of `source`. The shuffle buffers of all slots hold `buffer_clips` together.

    Reading from a position within an epoch skips the serialized clips before it.
    """
    num_clips = source.num_clips
    parts = [
        file_slices(source, host_range(num_clips, Host(i, num_slots))) for i in range(num_slots)
    ]
    slices = as_tensors([file for part in parts for file in part])
    first_of_part = tf.constant(np.cumsum([0, *map(len, parts)]), tf.int32)

    @no_autograph
    def read_from(slot: Any, position: Any) -> tf.data.Dataset:
        clips = tf.data.Dataset.range(position // num_clips, tf.int64.max)
        clips = clips.flat_map(lambda epoch: read_epoch(slot, epoch))
        return clips.skip(position % num_clips // num_slots)

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
                max(buffer_clips // num_slots, 1),
                seed=shuffle_seed,
                reshuffle_each_iteration=False,
            )
        )

    return read_from
