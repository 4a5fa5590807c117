"""Light augmentation of mouth crops and sound: each op is pure, given its seed.

One draw holds for a whole clip: what changes from frame to frame would be motion.
"""

from typing import NamedTuple

import tensorflow as tf

from avsync.units import CROP_PIXELS, INPUT_PIXELS, INT16_SCALE


class Augmentation(NamedTuple):
    """How far each op may go; the zeros switch it off.

    flip: probability of mirroring left and right.
    shift_pixels: the 88 x 88 crop moves by up to so many pixels, 4 at most.
    brightness, contrast: relative, 0.2 is +-20 %.
    gain_low_db, gain_high_db: range of the sound's gain.
    """

    flip: float = 0.5
    shift_pixels: int = 4
    brightness: float = 0.2
    contrast: float = 0.2
    gain_low_db: float = -8.0
    gain_high_db: float = 4.0


def flip(frames: tf.Tensor, *, probability: float, seed: tf.Tensor) -> tf.Tensor:
    """[t h w c], mirrored left and right or not."""
    mirrored = tf.random.stateless_uniform([], seed) < probability
    return tf.cond(mirrored, lambda: tf.reverse(frames, [2]), lambda: frames)


def crop(frames: tf.Tensor, *, shift_pixels: int, seed: tf.Tensor) -> tf.Tensor:
    """uint8 [t 96 96 c] to [t 88 88 c], around the centre give or take `shift_pixels`."""
    centre = (CROP_PIXELS - INPUT_PIXELS) // 2
    if not 0 <= shift_pixels <= centre:
        raise ValueError(f"shift_pixels must be 0 to {centre}, got {shift_pixels}")
    shift = tf.random.stateless_uniform([2], seed, -shift_pixels, shift_pixels + 1, tf.int32)
    top, left = centre + shift[0], centre + shift[1]
    return frames[:, top : top + INPUT_PIXELS, left : left + INPUT_PIXELS]


def centre_crop(frames: tf.Tensor) -> tf.Tensor:
    """uint8 [t 96 96 c] to [t 88 88 c], the crop that AV-HuBERT is evaluated on."""
    return crop(frames, shift_pixels=0, seed=tf.constant([0, 0]))


def light(frames: tf.Tensor, *, brightness: float, contrast: float, seed: tf.Tensor) -> tf.Tensor:
    """uint8 frames whose brightness and contrast change by up to these shares, saturating."""
    share = tf.random.stateless_uniform([2], seed, -1.0, 1.0)
    pixels = tf.cast(frames, tf.float32)
    mean = tf.reduce_mean(pixels)
    changed = (pixels - mean) * (1 + contrast * share[0]) + mean * (1 + brightness * share[1])
    return tf.saturate_cast(tf.round(changed), tf.uint8)


def gain(waveform: tf.Tensor, *, low_db: float, high_db: float, seed: tf.Tensor) -> tf.Tensor:
    """int16 samples, louder or softer by a gain between `low_db` and `high_db`, saturating."""
    gain_db = tf.random.stateless_uniform([], seed, low_db, high_db)
    samples = tf.cast(waveform, tf.float32) * tf.pow(10.0, gain_db / 20)
    limit = float(INT16_SCALE)
    return tf.cast(tf.clip_by_value(tf.round(samples), -limit, limit - 1), tf.int16)


def augment(
    frames: tf.Tensor, waveform: tf.Tensor, *, amount: Augmentation, seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """All of it: uint8 [t 96 96 1] and int16 [s] to uint8 [t 88 88 1] and int16 [s]."""
    seeds = tf.random.split(seed, 4)
    frames = crop(frames, shift_pixels=amount.shift_pixels, seed=seeds[0])
    frames = flip(frames, probability=amount.flip, seed=seeds[1])
    frames = light(frames, brightness=amount.brightness, contrast=amount.contrast, seed=seeds[2])
    waveform = gain(waveform, low_db=amount.gain_low_db, high_db=amount.gain_high_db, seed=seeds[3])
    return frames, waveform
