"""A stretch of fixed length out of a clip of any length."""

import tensorflow as tf

from avsync.pp.silence import Kept


def random_window(kept: Kept, *, window_frames: int, seed: tf.Tensor) -> Kept:
    """`window_frames` frames from a random place within `kept`; all of it if it is shorter."""
    spare = tf.maximum(kept.end - kept.first - window_frames, 0)
    start = kept.first + tf.random.stateless_uniform([], seed, 0, spare + 1, tf.int32)
    return Kept(start, tf.minimum(start + window_frames, kept.end))


def pad(tensor: tf.Tensor, length: int) -> tf.Tensor:
    """`tensor` with zeros behind its first axis, up to `length`."""
    missing = length - tf.shape(tensor)[0]
    padded = tf.pad(tensor, [[0, missing]] + [[0, 0]] * (tensor.shape.rank - 1))
    return tf.ensure_shape(padded, [length, *tensor.shape[1:]])
