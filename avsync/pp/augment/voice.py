"""What differs along frequency: formants, equaliser, band limit, codec, masks.

One short-time Fourier transform and one back do all five. Each op is a real factor of every bin, or
a rounding of it: phases stay, and windows are symmetric, so nothing moves in time.
"""

from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from avsync.pp.augment.draws import Draws, factor, signed
from avsync.units import SAMPLE_RATE

# Windows of 32 ms, half of them overlapping: the square root of a Hann window, before and after,
# gives back what went in.
WINDOW, HOP = 512, 256
NUM_BINS = WINDOW // 2 + 1
NYQUIST_HZ = SAMPLE_RATE // 2
BIN_HZ = SAMPLE_RATE / WINDOW

# The spectral envelope: levels of overlapping bands of 333 Hz, too wide to show single harmonics.
NUM_BANDS = 24
FORMANT_LIMIT_DB = 20.0  # noise in spectral gaps must not become a whistle

# The equaliser is drawn at this many frequencies, equally far apart in octaves from 125 Hz on.
EQUALISER_POINTS, EQUALISER_LOWEST_HZ = 7, 125.0

SLOPE_HZ = 250.0  # of the band limit
MASK_DB = -30.0  # digital silence would be a sound that no recording has

DB = np.log(10) / 20  # one dB, in nats of the amplitude


OPS = ("formants", "equaliser_db", "band_limit_hz", "codec", "sound_mask")


def shape(samples: tf.Tensor, *, draws: Draws) -> tf.Tensor:
    """float32 [s] with its spectrum changed; louder or softer."""
    spectrum = _stft(samples)
    levels = _levels(spectrum, draws)
    spectrum = draws.apply("codec", partial(quantise, levels=levels), spectrum)
    # What is the same for all sounds comes first: it is small.
    gains = tf.ones([1, NUM_BINS])
    gains = draws.apply("equaliser_db", equalise, gains)
    gains = draws.apply("band_limit_hz", limit_band, gains)
    gains = tf.broadcast_to(gains, tf.shape(spectrum))
    gains = draws.apply("sound_mask", mute, gains)
    gains = draws.apply("formants", partial(stretch_formants, levels=levels), gains)
    return _inverse(spectrum * tf.complex(gains, 0.0))[: tf.shape(samples)[0]]


def stretch_formants(
    gains: tf.Tensor, *, levels: tf.Tensor, strength: float, seed: tf.Tensor
) -> tf.Tensor:
    """Gains [n 257] that stretch the envelope by up to 1 + `strength`, either way; pitch stays.

    levels: log power of each band, [n 24].
    """
    bins = tf.range(NUM_BINS, dtype=tf.float32)
    stretched = _interpolation(bins / factor(strength, signed([], seed)))
    limit = 2 * FORMANT_LIMIT_DB * DB
    difference = levels @ (stretched - _interpolation(bins))
    return gains * tf.exp(0.5 * tf.clip_by_value(difference, -limit, limit))


def equalise(gains: tf.Tensor, *, strength: float, seed: tf.Tensor) -> tf.Tensor:
    """Gains [n 257] times a random curve, smooth in octaves, within `strength` dB either way."""
    points = signed([EQUALISER_POINTS], seed) * (strength * DB)
    hertz = np.maximum(np.arange(NUM_BINS), 1) * BIN_HZ
    spacing = np.log2(NYQUIST_HZ / EQUALISER_LOWEST_HZ) / (EQUALISER_POINTS - 1)
    place = np.clip(np.log2(hertz / EQUALISER_LOWEST_HZ) / spacing, 0, EQUALISER_POINTS - 1)
    tents = np.maximum(1 - np.abs(place[:, None] - np.arange(EQUALISER_POINTS)), 0)
    return gains * tf.exp(tf.linalg.matvec(tf.constant(tents, tf.float32), points))


def limit_band(gains: tf.Tensor, *, strength: float, seed: tf.Tensor) -> tf.Tensor:
    """Gains [n 257] times a low pass with its edge between `strength` and 8,000 Hz."""
    edge = tf.random.stateless_uniform([], seed, strength, NYQUIST_HZ)
    hertz = tf.range(NUM_BINS, dtype=tf.float32) * BIN_HZ
    return gains * tf.clip_by_value((edge - hertz) / SLOPE_HZ + 1, 0, 1)


def mute(gains: tf.Tensor, *, strength: float, seed: tf.Tensor) -> tf.Tensor:
    """Gains [n 257], low for up to `strength` seconds, and in up to that share of the spectrum."""
    draws = tf.random.stateless_uniform([4], seed)
    num_windows = tf.cast(tf.shape(gains)[0], tf.float32)
    times = _muted(num_windows, strength * SAMPLE_RATE / HOP, draws[:2])
    bins = _muted(tf.constant(float(NUM_BINS)), strength * NUM_BINS, draws[2:])
    return gains * times[:, None] * bins[None, :]


def quantise(
    spectrum: tf.Tensor, *, levels: tf.Tensor, strength: float, seed: tf.Tensor
) -> tf.Tensor:
    """`spectrum` [n 257] rounded to multiples of a step relative to the level there.

    Like a codec at a low bit rate, this keeps what is strong and drops what is weak.
    """
    relative = strength * tf.random.stateless_uniform([], seed, 0.25, 1.0)
    bins = tf.range(NUM_BINS, dtype=tf.float32)
    step = relative * tf.exp(0.5 * (levels @ _interpolation(bins)))
    parts = tf.math.real(spectrum), tf.math.imag(spectrum)
    return tf.complex(*(tf.round(part / step) * step for part in parts))


def _levels(spectrum: tf.Tensor, draws: Draws) -> tf.Tensor:
    """The log of the mean power in each band [n 24], for the ops that follow the envelope."""

    def levels() -> tf.Tensor:
        bands = _interpolation(tf.range(NUM_BINS, dtype=tf.float32))
        bands /= tf.reduce_sum(bands, axis=1, keepdims=True)
        power = tf.square(tf.math.real(spectrum)) + tf.square(tf.math.imag(spectrum))
        # Silence has a level too.
        return tf.math.log(tf.linalg.matmul(power, bands, transpose_b=True) + 1e-3)

    if not draws.has("formants", "codec"):
        return tf.zeros([0, NUM_BANDS])
    return tf.cond(draws.any_chosen("formants", "codec"), levels, lambda: tf.zeros([0, NUM_BANDS]))


def _interpolation(bins: tf.Tensor) -> tf.Tensor:
    """The matrix [24 257] from levels of bands to levels at `bins` [257]."""
    place = tf.clip_by_value(bins * (NUM_BANDS / (NUM_BINS - 1)) - 0.5, 0.0, NUM_BANDS - 1.0)
    return tf.maximum(1 - tf.abs(place - tf.range(NUM_BANDS, dtype=tf.float32)[:, None]), 0)


def _muted(length: tf.Tensor, most: float, draws: tf.Tensor) -> tf.Tensor:
    """Gains of `length` bins or windows, up to `most` of them in a row muted."""
    size = tf.minimum(draws[0] * most, length)
    place = tf.range(length) - draws[1] * (length - size)
    return tf.where((place >= 0) & (place < size), float(np.exp(MASK_DB * DB)), 1.0)


def _stft(samples: tf.Tensor) -> tf.Tensor:
    """complex64 [n 257]; half a window of zeros before and at least one after: all is covered."""
    after: Any = WINDOW - tf.math.floormod(tf.shape(samples)[0], HOP)
    hops = tf.reshape(tf.pad(samples, [[HOP, after]]), [-1, HOP])
    return tf.signal.rfft(tf.concat([hops[:-1], hops[1:]], 1) * _window())


def _inverse(spectrum: tf.Tensor) -> tf.Tensor:
    """float32 [256 n - 256], from the first sample on."""
    windows = tf.signal.irfft(spectrum) * _window()
    return tf.reshape(windows[:-1, HOP:] + windows[1:, :HOP], [-1])


def _window() -> tf.Tensor:
    return tf.constant(np.sin(np.pi * np.arange(WINDOW) / WINDOW), tf.float32)
