"""What a camera and its encoder lose: sharpness, resolution, noise, JPEG-like quantisation.

All take and give float32 [88 88 t]: with time as the last axis, each is a few matrix products or
sums over long runs of memory, 1 to 3 ms for a clip.
"""

import numpy as np
import tensorflow as tf

from avsync.jpeg import LUMINANCE_STEPS
from avsync.units import INPUT_PIXELS

BLOCK = len(LUMINANCE_STEPS)
NUM_BLOCKS = INPUT_PIXELS // BLOCK

# Noise is drawn for a strip of this many rows, which is repeated down the picture: drawing it for
# all pixels would take 8 ms for a clip.
NOISE_ROWS = 11


def blur(matrix: tf.Tensor, *, strength: float, seed: tf.Tensor) -> tf.Tensor:
    """`matrix` [88 88] for `resample`, with a Gaussian blur of up to `strength` pixels after it."""
    sd = tf.maximum(strength * tf.random.stateless_uniform([], seed), 1e-2)
    index = tf.range(INPUT_PIXELS, dtype=tf.float32)
    return _normalised(tf.exp(-0.5 * ((index[:, None] - index) / sd) ** 2)) @ matrix


def low_resolution(matrix: tf.Tensor, *, strength: int, seed: tf.Tensor) -> tf.Tensor:
    """`matrix` [88 88] for `resample`, then scaling down to between 1 and 2 `strength`, and up."""
    low = tf.random.stateless_uniform([], seed, strength, 2 * strength + 1, tf.int32)
    low = tf.minimum(low, INPUT_PIXELS)
    large = _centres(INPUT_PIXELS)
    small = _centres(low)
    distance = tf.abs(small[:, None] - large) * tf.cast(low, tf.float32)
    tent = tf.maximum(1 - distance, 0)  # as wide as a small pixel on each side, against aliasing
    # Beyond the outermost small centres, the picture goes on as it is there.
    inside = tf.clip_by_value(large, small[0], small[-1])
    up = tf.maximum(1 - tf.abs(inside[:, None] - small) * tf.cast(low, tf.float32), 0)
    return up @ (_normalised(tent) @ matrix)


def resample(pixels: tf.Tensor, matrix: tf.Tensor) -> tf.Tensor:
    """`matrix` [88 88] applied to the rows and to the columns of [88 88 t]."""
    flat = tf.reshape(pixels, [INPUT_PIXELS, -1])
    return matrix @ tf.reshape(matrix @ flat, [INPUT_PIXELS, INPUT_PIXELS, -1])


def noise(pixels: tf.Tensor, *, strength: float, seed: tf.Tensor) -> tf.Tensor:
    """Gaussian noise of a standard deviation of up to `strength`, new in each frame."""
    seeds = tf.random.split(seed, 2)
    num_frames = tf.shape(pixels)[2]
    strip = tf.random.stateless_normal(tf.stack([NOISE_ROWS * INPUT_PIXELS * num_frames]), seeds[0])
    strip *= strength * tf.random.stateless_uniform([], seeds[1])
    strips = [INPUT_PIXELS // NOISE_ROWS, NOISE_ROWS * INPUT_PIXELS * num_frames]
    return tf.reshape(tf.reshape(pixels, strips) + strip, [INPUT_PIXELS, INPUT_PIXELS, num_frames])


def compress(pixels: tf.Tensor, *, strength: float, seed: tf.Tensor) -> tf.Tensor:
    """Blocks of 8 x 8 with their cosine transform quantised as in JPEG.

    The steps are those of the standard's table, times 1/4 to 1 of `strength`.
    """
    scale = strength * tf.random.stateless_uniform([], seed, 0.25, 1.0)
    table = scale * np.tile(LUMINANCE_STEPS, [NUM_BLOCKS, NUM_BLOCKS])[:, :, None]
    cosines = tf.constant(_cosines())
    levels = tf.round(_transform(pixels - 128, cosines) * (1 / table))
    return _transform(levels * table, tf.transpose(cosines)) + 128


def _transform(pixels: tf.Tensor, matrix: tf.Tensor) -> tf.Tensor:
    """`matrix` [8 8] applied to the rows and columns of each block of [88 88 t]."""
    rows = matrix @ tf.reshape(pixels, [NUM_BLOCKS, BLOCK, INPUT_PIXELS * tf.shape(pixels)[2]])
    columns = matrix @ tf.reshape(rows, [INPUT_PIXELS * NUM_BLOCKS, BLOCK, tf.shape(pixels)[2]])
    return tf.reshape(columns, tf.shape(pixels))


def _cosines() -> np.ndarray:
    """The orthonormal cosine transform of 8 values, float32 [8 8]."""
    index = np.arange(BLOCK)
    cosines = np.cos(np.pi * (2 * index + 1) * index[:, None] / (2 * BLOCK)) * np.sqrt(2 / BLOCK)
    cosines[0] /= np.sqrt(2)
    return cosines.astype(np.float32)


def _centres(count: int | tf.Tensor) -> tf.Tensor:
    """The centres of `count` pixels that share the range 0 to 1."""
    return (tf.cast(tf.range(count), tf.float32) + 0.5) / tf.cast(count, tf.float32)


def _normalised(weights: tf.Tensor) -> tf.Tensor:
    return weights / tf.reduce_sum(weights, axis=1, keepdims=True)
