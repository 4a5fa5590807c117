"""Noise from the table: its distribution, its colours, and that clips do not share it."""

import numpy as np
import pytest
import tensorflow as tf

from avsync.pp.augment import noise


def seed(i: int) -> tf.Tensor:
    return tf.constant([1, i])


def white(count: int, i: int) -> np.ndarray:
    return noise.white(tf.constant(count), seed(i)).numpy()


def test_white_noise_is_normal():
    drawn = white(100_000, 0)
    assert drawn.mean() == pytest.approx(0, abs=0.02)
    assert drawn.std() == pytest.approx(1, abs=0.02)
    # A normal distribution has a kurtosis of 3, and 4.6% of it is beyond two standard deviations.
    assert (drawn**4).mean() == pytest.approx(3, abs=0.2)
    assert (np.abs(drawn) > 2).mean() == pytest.approx(0.0455, abs=0.005)


def test_two_clips_get_other_noise_and_one_seed_the_same():
    first, second = white(10_000, 0), white(10_000, 1)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.05
    np.testing.assert_array_equal(first, white(10_000, 0))


@pytest.mark.parametrize("count", [0, 1, noise.LENGTH, 2 * noise.LENGTH + 5])
def test_any_amount_is_drawn_and_the_table_repeats(count):
    drawn = white(count, 3)
    assert drawn.shape == (count,)
    again = drawn[noise.LENGTH :]
    np.testing.assert_array_equal(again, drawn[: len(again)])


@pytest.mark.parametrize("colour", [0.0, 0.5, 1.0])
def test_the_power_falls_with_the_colour(colour):
    drawn = noise.coloured(tf.constant(noise.LENGTH), tf.constant(colour), seed(0)).numpy()
    assert drawn.std() == pytest.approx(1, abs=0.01)
    power = np.abs(np.fft.rfft(drawn)) ** 2
    hertz = np.fft.rfftfreq(len(drawn), 1 / 16_000)
    bands = [power[(hertz > low) & (hertz < 1.2 * low)].mean() for low in (200, 6_400)]
    assert np.log2(bands[0] / bands[1]) / 5 == pytest.approx(colour, abs=0.06)
