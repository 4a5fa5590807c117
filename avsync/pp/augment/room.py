"""What is the same over the whole clip: speed, reverberation, background noise.

One Fourier transform of the whole clip and one back change the speed, by cutting or extending the
spectrum, and reverberate, by a product with the spectrum of a room.
"""

import itertools
import math
from functools import partial

import tensorflow as tf

from avsync.pp.augment.draws import Draws
from avsync.pp.augment.noise import coloured
from avsync.units import FRAMES_PER_SECOND, SAMPLE_RATE, SAMPLES_PER_FRAME

# Clips are transformed in lengths of these numbers of frames, up to 10 hours: their prime factors
# are 2, 3 and 5, which makes transforms fast.
SMOOTH = sorted(
    number
    for a, b, c in itertools.product(range(20), range(13), range(9))
    if (number := 2**a * 3**b * 5**c) < 10**6
)

# The direct sound is louder than all of its reverberation by this much. The reverberation delays
# the energy: at -3 dB and 0.3 s, by 7 ms.
DIRECT_DB = (3.0, 15.0)
DECAY = 6.9  # ln 1000: the reverberation time is that of a decay by 60 dB

# The level of the noise, below the highest one.
NOISE_RANGE_DB = 30.0

TRANSFORMED = ("stretch", "reverb_seconds")
OPS = (*TRANSFORMED, "sound_noise")


def place(samples: tf.Tensor, *, slowness: tf.Tensor, draws: Draws) -> tf.Tensor:
    """float32 [640 n] at `slowness` times the length, reverberated; louder or softer.

    Sample i of the output belongs to time i / `slowness` of the input. There are as many whole
    frames of output as `timing.shown_frames` has.
    """
    num_frames = tf.shape(samples)[0] // SAMPLES_PER_FRAME
    # Silence is appended, so that the end of a clip does not ring on at its beginning.
    ringing = math.ceil(draws.augmentation.reverb_seconds * FRAMES_PER_SECOND)
    ringing = tf.where(draws.chosen["reverb_seconds"], ringing, 0) + 1
    length = _fast(num_frames + ringing) * SAMPLES_PER_FRAME
    new_length = tf.cast(tf.round(_float(length) * slowness), tf.int32)
    out_frames = tf.cast(tf.math.floor(_float(num_frames) * slowness), tf.int32)
    spectrum = tf.signal.rfft(samples, [length])
    spectrum = draws.apply("reverb_seconds", partial(_reverberated, length=length), spectrum)
    if draws.has("stretch"):
        count = new_length // 2 + 1
        missing = tf.maximum(count - tf.shape(spectrum)[0], 0)
        scale = tf.cast(_float(new_length) / _float(length), tf.complex64)
        spectrum = tf.concat([spectrum, tf.zeros([missing], tf.complex64)], 0)[:count] * scale
    return tf.signal.irfft(spectrum, [new_length])[: out_frames * SAMPLES_PER_FRAME]


def add_noise(
    samples: tf.Tensor, *, power: tf.Tensor, strength: float, seed: tf.Tensor
) -> tf.Tensor:
    """`samples` plus noise, white to pink, of up to `strength` times the root of `power`."""
    seeds = tf.random.split(seed, 2)
    level, colour = tf.unstack(tf.random.stateless_uniform([2], seeds[0]))
    amplitude = strength * tf.pow(10.0, -NOISE_RANGE_DB * level / 20) * tf.sqrt(power)
    return samples + amplitude * coloured(tf.size(samples), colour, seeds[1])


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


def _fast(num_frames: tf.Tensor) -> tf.Tensor:
    """The smallest of SMOOTH that is at least `num_frames`."""
    lengths = tf.constant(SMOOTH, tf.int32)
    return tf.gather(lengths, tf.searchsorted(lengths, num_frames[None]))[0]


def _float(number: tf.Tensor) -> tf.Tensor:
    return tf.cast(number, tf.float32)
