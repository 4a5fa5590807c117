"""Light augmentation of mouth crops and waveform; each op is a pure function of its seed.

Each op draws once per clip: a change from frame to frame would look like motion.
"""

from typing import NamedTuple

import tensorflow as tf

from avsync.units import CROP_PIXELS, INPUT_PIXELS, INT16_SCALE


class Augmentation(NamedTuple):
    """The strength of each op; zeros disable it.

    flip: probability of a horizontal flip.
    shift_pixels: largest shift of the 88 x 88 crop, 0 to 4.
    brightness, contrast: largest relative change; 0.2 is +-20%.
    gain_low_db, gain_high_db: range of the audio gain.
    """

    flip: float = 0.5
    shift_pixels: int = 4
    brightness: float = 0.2
    contrast: float = 0.2
    gain_low_db: float = -8.0
    gain_high_db: float = 4.0


def flip(frames: tf.Tensor, *, probability: float, seed: tf.Tensor) -> tf.Tensor:
    """[t h w c], flipped horizontally with this probability."""
    mirrored = tf.random.stateless_uniform([], seed) < probability
    return tf.cond(mirrored, lambda: tf.reverse(frames, [2]), lambda: frames)


def crop(frames: tf.Tensor, *, shift_pixels: int, seed: tf.Tensor) -> tf.Tensor:
    """uint8 [t 96 96 c] to [t 88 88 c], shifted by up to `shift_pixels` from the centre."""
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
    """uint8 frames with brightness and contrast changed by up to these fractions, saturating."""
    change = tf.random.stateless_uniform([2], seed, -1.0, 1.0)
    pixels = tf.cast(frames, tf.float32)
    mean = tf.reduce_mean(pixels)
    changed = (pixels - mean) * (1 + contrast * change[0]) + mean * (1 + brightness * change[1])
    return tf.saturate_cast(tf.round(changed), tf.uint8)


def gain(waveform: tf.Tensor, *, low_db: float, high_db: float, seed: tf.Tensor) -> tf.Tensor:
    """int16 samples scaled by a gain between `low_db` and `high_db`, saturating."""
    gain_db = tf.random.stateless_uniform([], seed, low_db, high_db)
    samples = tf.cast(waveform, tf.float32) * tf.pow(10.0, gain_db / 20)
    limit = float(INT16_SCALE)
    return tf.cast(tf.clip_by_value(tf.round(samples), -limit, limit - 1), tf.int16)


def augment(
    frames: tf.Tensor, waveform: tf.Tensor, *, augmentation: Augmentation, seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """All ops: uint8 [t 96 96 1] and int16 [s] to uint8 [t 88 88 1] and int16 [s]."""
    a, seeds = augmentation, tf.random.split(seed, 4)
    frames = crop(frames, shift_pixels=a.shift_pixels, seed=seeds[0])
    frames = flip(frames, probability=a.flip, seed=seeds[1])
    frames = light(frames, brightness=a.brightness, contrast=a.contrast, seed=seeds[2])
    waveform = gain(waveform, low_db=a.gain_low_db, high_db=a.gain_high_db, seed=seeds[3])
    return frames, waveform
