"""What is the same over the whole clip: speed, reverberation, background noise.

One Fourier transform of the whole clip and one back do all three: cutting or extending the spectrum
changes the speed, a product with the spectrum of a room is its reverberation, and noise of any
colour is a sum.
"""

from functools import partial

import tensorflow as tf

from avsync.pp.augment.draws import Draws
from avsync.units import SAMPLE_RATE, SAMPLES_PER_FRAME

# Appended as silence, so that the end of a clip does not ring on at its beginning. Whole clips of a
# multiple of 10 frames have lengths of small prime factors, which are fast to transform.
PAD_FRAMES = 10

# The direct sound is louder than all of its reverberation by this much. The reverberation delays
# the energy: at -3 dB and 0.3 s, by 7 ms.
DIRECT_DB = (3.0, 15.0)
DECAY = 6.9  # ln 1000: the reverberation time is that of a decay by 60 dB

# The level of the noise, below the highest one.
NOISE_RANGE_DB = 30.0
LOWEST_HZ = 60.0  # pink noise does not rise below


OPS = ("stretch", "reverb_seconds", "sound_noise")


def place(samples: tf.Tensor, *, slowness: tf.Tensor, draws: Draws) -> tf.Tensor:
    """float32 [640 n] at `slowness` times the length, reverberated, with noise; louder or softer.

    Sample i of the output belongs to time i / `slowness` of the input. There are as many whole
    frames of output as `timing.shown_frames` has.
    """
    num_frames = tf.shape(samples)[0] // SAMPLES_PER_FRAME
    length = -(-(num_frames + PAD_FRAMES) // PAD_FRAMES) * PAD_FRAMES * SAMPLES_PER_FRAME
    new_length = tf.cast(tf.round(_float(length) * slowness), tf.int32)
    out_frames = tf.cast(tf.math.floor(_float(num_frames) * slowness), tf.int32)
    spectrum = tf.signal.rfft(samples, [length])
    spectrum = draws.apply("reverb_seconds", partial(_reverberated, length=length), spectrum)
    if draws.has("stretch"):
        count = new_length // 2 + 1
        missing = tf.maximum(count - tf.shape(spectrum)[0], 0)
        scale = tf.cast(_float(new_length) / _float(length), tf.complex64)
        spectrum = tf.concat([spectrum, tf.zeros([missing], tf.complex64)], 0)[:count] * scale
    power = tf.reduce_mean(tf.square(samples))
    noisy = partial(_noisy, length=new_length, power=power)
    spectrum = draws.apply("sound_noise", noisy, spectrum)
    return tf.signal.irfft(spectrum, [new_length])[: out_frames * SAMPLES_PER_FRAME]


def _reverberated(
    spectrum: tf.Tensor, *, length: tf.Tensor, strength: float, seed: tf.Tensor
) -> tf.Tensor:
    """`spectrum` times that of an impulse with exponentially decaying noise after it."""
    seeds = tf.random.split(seed, 2)
    time, level = tf.unstack(tf.random.stateless_uniform([2], seeds[0]))
    seconds = strength * (0.2 + 0.8 * time)
    num_samples = int(strength * SAMPLE_RATE)
    index = tf.range(num_samples, dtype=tf.float32)
    tail = tf.random.stateless_normal([num_samples], seeds[1])
    tail *= tf.exp(-DECAY * index / (seconds * SAMPLE_RATE)) * tf.cast(index > 0, tf.float32)
    low, high = DIRECT_DB
    wet = tf.pow(10.0, -(low + (high - low) * level) / 20)
    tail *= wet * tf.math.rsqrt(tf.reduce_sum(tf.square(tail)))
    return spectrum * (1 + tf.signal.rfft(tail, [length]))


def _noisy(
    spectrum: tf.Tensor, *, length: tf.Tensor, power: tf.Tensor, strength: float, seed: tf.Tensor
) -> tf.Tensor:
    """`spectrum` plus that of noise, white to pink, up to `strength` times the root of `power`."""
    seeds = tf.random.split(seed, 2)
    level, colour = tf.unstack(tf.random.stateless_uniform([2], seeds[0]))
    count = length // 2 + 1
    frequency = tf.range(count, dtype=tf.float32) * (SAMPLE_RATE / _float(length))
    shape = tf.pow(tf.maximum(frequency, LOWEST_HZ), -0.5 * colour)
    parts = tf.random.stateless_normal(tf.stack([2, count]), seeds[1]) * shape
    # Parseval: the sum of squares of all bins is the length times that of the samples.
    drawn = 2 * tf.reduce_sum(tf.square(parts)) / _float(length) ** 2
    wanted = strength * tf.pow(10.0, -NOISE_RANGE_DB * level / 20)
    parts *= wanted * tf.sqrt(power / drawn)
    return spectrum + tf.complex(parts[0], parts[1])


def _float(number: tf.Tensor) -> tf.Tensor:
    return tf.cast(number, tf.float32)
