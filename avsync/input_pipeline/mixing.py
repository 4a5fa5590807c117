"""Which dataset of a mixture each row of the stream is from.

Each slot of the stream (see avsync.input_pipeline.training) is a sequence of blocks of
BLOCK_ROWS rows. A block has a fixed number of rows of each dataset, its quota, spread evenly over
the block with some jitter: the i-th of n rows of a dataset lies near the i-th n-th of the block. So
every part of a training sees the datasets in the proportion of their weights, and the rows that a
slot has read of a dataset before a block need no counting.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from avsync.input_pipeline.records import no_autograph

BLOCK_ROWS = 1000


def shares(weights: Mapping[str, float]) -> dict[str, float]:
    """The share of each dataset in the rows; ValueError, naming it, if one has no valid weight.

    A weight is a positive, finite number, and at least one row of a block.
    """
    for name, weight in weights.items():
        if not (math.isfinite(weight) and weight > 0):
            raise ValueError(
                f"config.data.mixture gives {name!r} the weight {weight:g}; expected a positive "
                "number. Leave a dataset out that is not to be trained on"
            )
    total = sum(weights.values())
    found = {name: weight / total for name, weight in weights.items()}
    for (name, share), rows in zip(found.items(), quotas(list(found.values())), strict=True):
        if not rows:
            raise ValueError(
                f"config.data.mixture gives {name!r} {share:.2g} of the rows; the smallest share "
                f"is {1 / BLOCK_ROWS:g}"
            )
    return found


def quotas(weights: Sequence[float]) -> list[int]:
    """The rows of each dataset in a block: BLOCK_ROWS shared by weight, rounded fairly.

    They are the whole parts, and one row more for those with the largest remainders.
    """
    exact = BLOCK_ROWS * np.asarray(weights, float) / sum(weights)
    rows = np.floor(exact).astype(int)
    largest = np.argsort(rows - exact, kind="stable")
    rows[largest[: BLOCK_ROWS - rows.sum()]] += 1
    return rows.tolist()


class Mixing:
    """The choice of datasets in the slots of a stream, from `quotas`, a function of the seed.

    It runs inside of tf.data: slots, blocks and rows are int64 scalars.
    """

    def __init__(self, rows: Sequence[int], *, seed: int, num_slots: int):
        self._rows, self._seed, self._num_slots = rows, seed, num_slots
        self._dataset_of = tf.constant(np.repeat(np.arange(len(rows)), rows), tf.int64)
        self._rank = tf.constant(np.concatenate([np.arange(n) / n for n in rows]), tf.float32)
        self._spread = tf.constant(np.repeat([1 / n for n in rows], rows), tf.float32)

    @no_autograph
    def block(self, slot: Any, block: Any) -> tf.Tensor:
        """int64 [BLOCK_ROWS]: the index of the dataset of each row of this block of the slot."""
        seed = tf.stack([tf.constant(self._seed, tf.int64), block * self._num_slots + slot])
        # The first two parts order the clips of an epoch.
        jitter = tf.random.stateless_uniform([BLOCK_ROWS], tf.random.split(seed, 3)[2])
        return tf.gather(self._dataset_of, tf.argsort(self._rank + self._spread * jitter))

    @no_autograph
    def rows_before(self, slot: Any, row: int) -> list[Any]:
        """The number of rows of each dataset among the first `row` rows of the slot."""
        block, within = divmod(row, BLOCK_ROWS)
        begun = self.block(slot, tf.constant(block, tf.int64))[:within]
        return [
            block * rows + tf.reduce_sum(tf.cast(begun == i, tf.int64))
            for i, rows in enumerate(self._rows)
        ]

    @no_autograph
    def choices(self, slot: Any, row: int) -> tf.data.Dataset:
        """The index of the dataset of row `row` of the slot, and of all that follow it."""
        block, within = divmod(row, BLOCK_ROWS)
        blocks = tf.data.Dataset.range(block, tf.int64.max)
        return blocks.flat_map(
            lambda block: tf.data.Dataset.from_tensor_slices(self.block(slot, block))
        ).skip(within)
