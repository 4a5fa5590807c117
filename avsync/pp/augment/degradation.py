"""What a camera and its encoder lose: sharpness, resolution, noise, JPEG-like quantisation.

All take and give float32 [88 88 t]: with time as the last axis, each is a few sums and products
over long runs of memory, 0.2 to 1.3 ms for a clip.
"""

import numpy as np
import tensorflow as tf

from avsync.jpeg import LUMINANCE_STEPS
from avsync.pp.augment.noise import white
from avsync.units import INPUT_PIXELS

BLOCK = len(LUMINANCE_STEPS)
NUM_BLOCKS = INPUT_PIXELS // BLOCK

# Standard deviations at which the kernel of the blur is cut off; beyond lies 0.3% of it.
BLUR_REACH = 3.0

# Noise is that of a strip of this many rows, which is repeated down the picture.
NOISE_ROWS = 11


def blur(pixels: tf.Tensor, *, strength: float, seed: tf.Tensor) -> tf.Tensor:
    """A Gaussian blur of up to `strength` pixels."""
    sd = tf.maximum(strength * tf.random.stateless_uniform([], seed), 1e-2)
    reach = tf.cast(tf.math.ceil(BLUR_REACH * sd), tf.int32)
    steps = tf.range(-reach, reach + 1)
    weights = tf.exp(-0.5 * tf.square(tf.cast(steps, tf.float32) / sd))
    rows = _convolved(pixels[None], weights, axis=1)
    both = _convolved(rows, weights, axis=2)[0]
    # Beyond its edges nothing is known: the weights of what is within the picture sum to 1.
    place = tf.range(INPUT_PIXELS)[:, None] + steps
    sums = tf.reduce_sum(tf.where((place >= 0) & (place < INPUT_PIXELS), weights, 0.0), 1)
    return both * (1 / (sums[:, None, None] * sums[None, :, None]))


def low_resolution(pixels: tf.Tensor, *, strength: int, seed: tf.Tensor) -> tf.Tensor:
    """Scaled down to between 1 and 2 `strength` pixels, and up again."""
    low = tf.random.stateless_uniform([], seed, strength, 2 * strength + 1, tf.int32)
    low = tf.minimum(low, INPUT_PIXELS)
    small = tf.image.resize(pixels[None], [low, low], antialias=True)
    return tf.image.resize(small, [INPUT_PIXELS, INPUT_PIXELS])[0]


def noise(pixels: tf.Tensor, *, strength: float, seed: tf.Tensor) -> tf.Tensor:
    """Gaussian noise of a standard deviation of up to `strength`, new in each frame."""
    seeds = tf.random.split(seed, 2)
    size = NOISE_ROWS * INPUT_PIXELS * tf.shape(pixels)[2]
    strip = white(size, seeds[0]) * (strength * tf.random.stateless_uniform([], seeds[1]))
    strips = tf.reshape(pixels, [INPUT_PIXELS // NOISE_ROWS, size]) + strip
    return tf.reshape(strips, tf.shape(pixels))


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


def _convolved(pixels: tf.Tensor, weights: tf.Tensor, *, axis: int) -> tf.Tensor:
    """[1 88 88 t] convolved with `weights` [n] along axis 1 or 2; zeros beyond the edges."""
    shape = [1, 1, tf.shape(pixels)[3], 1]
    shape[axis - 1] = tf.size(weights)
    along = [-1, 1, 1, 1] if axis == 1 else [1, -1, 1, 1]
    kernel = tf.broadcast_to(tf.reshape(weights, along), tf.stack(shape))
    return tf.nn.depthwise_conv2d(pixels, kernel, [1, 1, 1, 1], "SAME")
