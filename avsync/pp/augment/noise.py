"""Noise from a table: drawing as many normal numbers for each clip would take ten times as long.

A clip gets the table from a place that is drawn for it, beginning again at its end.
"""

import functools

import numpy as np
import tensorflow as tf

from avsync.units import SAMPLE_RATE

# Numbers in the table: 8.2 s of sound. Longer noise repeats.
LENGTH = 2**17

# Exponents of the power spectrum 1 / f^c, from white to pink.
COLOURS = np.linspace(0, 1, 9)
LOWEST_HZ = 60.0  # the power does not rise below


def white(count: tf.Tensor | int, seed: tf.Tensor) -> tf.Tensor:
    """Normal numbers of mean 0 and variance 1, float32 [count]."""
    return _from_anywhere(_table()[0], count, seed)


def coloured(count: tf.Tensor, colour: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Sound of power 1 whose power falls as 1 / f^`colour`, rounded to one of COLOURS: [count]."""
    row = tf.cast(tf.round(colour * (len(COLOURS) - 1)), tf.int32)
    return _from_anywhere(_table()[row], count, seed)


def _from_anywhere(numbers: tf.Tensor, count: tf.Tensor | int, seed: tf.Tensor) -> tf.Tensor:
    place = tf.random.stateless_uniform([], seed, 0, LENGTH, tf.int32)
    cycle = tf.concat([numbers[place:], numbers[:place]], 0)
    repeats = -(-count // LENGTH)
    return tf.tile(cycle, tf.stack([repeats]))[:count]


@functools.cache
def _table() -> tf.Tensor:
    """float32 [9 LENGTH]: the same noise in each of COLOURS."""
    rng = np.random.Generator(np.random.Philox(0))  # the same numbers on all machines
    spectrum = np.fft.rfft(rng.standard_normal(LENGTH))
    hertz = np.maximum(np.fft.rfftfreq(LENGTH, 1 / SAMPLE_RATE), LOWEST_HZ)
    rows = np.fft.irfft(spectrum * hertz ** (-COLOURS[:, None] / 2))
    rows /= np.std(rows, axis=1, keepdims=True)
    # Outside of the graph that is being traced: 4.7 MB as a constant of each would be too much.
    with tf.init_scope(), tf.device("CPU:0"):
        return tf.constant(rows, tf.float32)
