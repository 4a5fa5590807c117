"""How bright the picture is: brightness, contrast, gamma."""

import math

import tensorflow as tf

from avsync.pp.augment.draws import factor, signed


def light(frames: tf.Tensor, *, brightness: float, contrast: float, seed: tf.Tensor) -> tf.Tensor:
    """uint8 frames with brightness and contrast changed by up to these fractions, saturating."""
    pixels = tf.cast(frames, tf.float32)
    gain, level = _changes(brightness, contrast, seed)
    mean = tf.reduce_mean(pixels)
    lit = (pixels - mean) * gain + mean * level
    return tf.saturate_cast(tf.round(lit), tf.uint8)


def relight(pixels: tf.Tensor, *, brightness: float, contrast: float, seed: tf.Tensor) -> tf.Tensor:
    """`light` of float32 grey levels, to uint8, in fewer passes through memory."""
    gain, level = _changes(brightness, contrast, seed)
    # Adding 1/2 and cutting off the fraction rounds.
    offset = tf.reduce_mean(pixels) * (level - gain) + 0.5
    return tf.cast(tf.clip_by_value(pixels * gain + offset, 0.0, 255.5), tf.uint8)


def gamma(pixels: tf.Tensor, *, strength: float, seed: tf.Tensor) -> tf.Tensor:
    """float32 grey levels x to 255 (x / 255)^g; g is at most 1 + strength, at least its inverse."""
    exponent = factor(strength, signed([], seed))
    # exp and log take 1 ms for a clip, tf.pow 7.5 ms.
    logs = tf.math.log(tf.maximum(pixels, 0.1))
    return tf.exp(exponent * logs + (1 - exponent) * math.log(255))


def _changes(brightness: float, contrast: float, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The factors of the contrast and of the brightness."""
    change = tf.random.stateless_uniform([2], seed, -1.0, 1.0)
    return 1 + contrast * change[0], 1 + brightness * change[1]
