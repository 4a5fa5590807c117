"""The random choices of one clip: which ops it gets, and a seed for each of them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from avsync.pp.augmentation import GROUPS, Augmentation

# The fields of Augmentation that are ops drawn with `probability`: those after it. The place of an
# op determines its seed, so new ones are added at the end.
_FIELDS = Augmentation._fields
OPS = _FIELDS[_FIELDS.index("probability") + 1 :]

# These share one resampling of the picture, and the draw of the first decides for all.
GEOMETRY = GROUPS["geometry"]

# `tf.random.split(seed, 4)` belongs to the ops that every clip gets. Folding this number in first
# gives other seeds, so that recipes without these ops keep their batches bit for bit.
STREAM = 1


class Draws(NamedTuple):
    """What is drawn for a clip: `chosen`, a bool scalar, and `seeds`, int32 [2], of each op."""

    augmentation: Augmentation
    chosen: dict[str, Any]
    seeds: dict[str, Any]

    def has(self, *ops: str) -> bool:
        """Whether one of `ops` has a strength."""
        return any(getattr(self.augmentation, op) for op in ops)

    def any_chosen(self, *ops: str) -> tf.Tensor:
        """Whether the clip gets one of `ops`: bool scalar."""
        return tf.reduce_any([self.chosen[op] for op in ops if self.has(op)])

    def apply(self, op: str, function: Callable[..., Any], value: Any) -> Any:
        """`function(value, strength=…, seed=…)` if the clip gets `op`, else `value`."""
        if not self.has(op):
            return value
        strength, seed = getattr(self.augmentation, op), self.seeds[op]
        return tf.cond(
            self.chosen[op],
            lambda: function(value, strength=strength, seed=seed),
            lambda: value,
        )


def draw(augmentation: Augmentation, seed: tf.Tensor) -> Draws:
    """Chooses each op with `augmentation.probability`, independently of the others."""
    stream: Any = tf.random.fold_in(seed, STREAM)
    seeds = tf.random.split(stream, len(OPS) + 1)
    uniform = tf.random.stateless_uniform([len(OPS)], seeds[-1])
    chosen = dict(zip(OPS, tf.unstack(uniform < augmentation.probability), strict=True))
    return Draws(
        augmentation=augmentation,
        chosen=chosen | dict.fromkeys(GEOMETRY, chosen[GEOMETRY[0]]),
        seeds=dict(zip(OPS, tf.unstack(seeds[:-1]), strict=True)),
    )


def factor(change: float, uniform: tf.Tensor) -> tf.Tensor:
    """A factor between 1 / (1 + change) and 1 + change for `uniform` in [-1, 1)."""
    return tf.pow(tf.constant(1 + change, tf.float32), uniform)


def signed(shape: list[int], seed: tf.Tensor) -> tf.Tensor:
    """Uniform in [-1, 1)."""
    return tf.random.stateless_uniform(shape, seed, -1.0, 1.0)
