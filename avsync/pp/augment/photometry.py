"""How bright the picture is: brightness, contrast, gamma."""

import tensorflow as tf

from avsync.pp.augment.draws import factor, signed


def light(frames: tf.Tensor, *, brightness: float, contrast: float, seed: tf.Tensor) -> tf.Tensor:
    """uint8 frames with brightness and contrast changed by up to these fractions, saturating."""
    pixels = tf.cast(frames, tf.float32)
    lit = relight(pixels, brightness=brightness, contrast=contrast, seed=seed)
    return tf.saturate_cast(tf.round(lit), tf.uint8)


def relight(pixels: tf.Tensor, *, brightness: float, contrast: float, seed: tf.Tensor) -> tf.Tensor:
    """`light` of float32 grey levels, neither rounded nor saturated."""
    change = tf.random.stateless_uniform([2], seed, -1.0, 1.0)
    mean = tf.reduce_mean(pixels)
    return (pixels - mean) * (1 + contrast * change[0]) + mean * (1 + brightness * change[1])


def gamma(pixels: tf.Tensor, *, strength: float, seed: tf.Tensor) -> tf.Tensor:
    """float32 grey levels x to 255 (x / 255)^g; g is at most 1 + strength, at least its inverse."""
    exponent = factor(strength, signed([], seed))
    # exp and log take 1.5 ms for a clip, tf.pow 7.5 ms.
    return tf.exp(exponent * tf.math.log(tf.maximum(pixels, 0.1) / 255)) * 255
