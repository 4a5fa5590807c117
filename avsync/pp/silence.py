"""Rules for trimming silence, the shortcut that gives away the fakes of many datasets.

A rule reads the waveform and returns the video frames to keep; `avsync.pp.frames.cut` then cuts
both streams. Rules are pure and run eagerly and inside `tf.data.Dataset.map`.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from jaxtyping import Int16

from avsync import lookup
from avsync.pp.frames import FrameRange
from avsync.types import TRIM_RULES
from avsync.units import INT16_SCALE, SAMPLES_PER_FRAME, SILENCE_AMPLITUDE, SILENCE_LEVEL

# `energy`: the defaults of librosa.effects.trim.
ENERGY_FRAME_SAMPLES = 2048
ENERGY_HOP_SAMPLES = 512
ENERGY_TOP_DB = 60.0

# `jitter` drops up to this many frames more than `leading`, 0.2 s. Remnants of inserted silence are
# one or two frames long, so no remnant reveals where a clip began.
JITTER_FRAMES = 5


# (int16 waveform [s], int32 seed [2]) -> the frames to keep; empty if the clip is all silence
Rule = Callable[[tf.Tensor, tf.Tensor], FrameRange]


def rule(name: str) -> Rule:
    """The rule called `name`; ValueError lists the known names."""
    lookup.require("trimming rule", name, sorted(RULES))
    return RULES[name]


def kept_frames(waveform: Int16[np.ndarray, " s"], *, name: str) -> range:
    """The frames that the rule called `name` keeps of one clip, outside any pipeline."""
    span = rule(name)(tf.constant(waveform), tf.constant([0, 0]))
    return range(int(span.first), int(span.end))


def leading_samples(waveform: tf.Tensor) -> tf.Tensor:
    """Number of samples before the first |x| > 5e-4, int32; all samples if the clip is silent."""
    if waveform.dtype.is_floating:
        sounds = tf.abs(waveform) > SILENCE_AMPLITUDE
    else:  # in int32: |-32768| does not fit in an int16
        sounds = tf.abs(tf.cast(waveform, tf.int32)) > SILENCE_LEVEL
    # The True at the end is the index if no sample is loud.
    return tf.argmax(tf.concat([sounds, [True]], axis=0), output_type=tf.int32)


def _none(waveform: tf.Tensor, seed: tf.Tensor) -> FrameRange:
    del seed
    return FrameRange(tf.constant(0), _num_frames(waveform))


def _leading(waveform: tf.Tensor, seed: tf.Tensor) -> FrameRange:
    """The paper's rule: drops silence and the frame in which sound starts, unless at sample 0."""
    del seed
    num_frames = _num_frames(waveform)
    return FrameRange(_cut_frames(leading_samples(waveform), num_frames), num_frames)


def _both_ends(waveform: tf.Tensor, seed: tf.Tensor) -> FrameRange:
    """The paper's rule at the start, and mirrored at the end."""
    first, num_frames = _leading(waveform, seed)
    trailing = _cut_frames(leading_samples(waveform[::-1]), num_frames)
    return FrameRange(first, tf.maximum(first, num_frames - trailing))


def _energy(waveform: tf.Tensor, seed: tf.Tensor) -> FrameRange:
    """librosa.effects.trim's bounds, rounded inwards to whole frames: no silence remains."""
    del seed
    first_sample, end_sample = energy_bounds(waveform)
    first = -(-first_sample // SAMPLES_PER_FRAME)
    return FrameRange(first, tf.maximum(first, end_sample // SAMPLES_PER_FRAME))


def _jitter(waveform: tf.Tensor, seed: tf.Tensor) -> FrameRange:
    """`leading` and 0 to JITTER_FRAMES more frames at random, for training."""
    first, num_frames = _leading(waveform, seed)
    extra = tf.random.stateless_uniform([], seed, 0, JITTER_FRAMES + 1, tf.int32)
    return FrameRange(tf.minimum(first + extra, num_frames), num_frames)


RULES: dict[str, Rule] = dict(
    zip(TRIM_RULES, (_none, _leading, _both_ends, _energy, _jitter), strict=True)
)


def energy_bounds(waveform: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """First and end sample of the part within 60 dB of the loudest frame, as in librosa 0.11.

    The level is the root mean square of centred frames of 2,048 samples, 512 apart, with zeros
    beyond the ends. A clip of digital zeros is within 60 dB of itself, so all of it is kept.
    """
    signal = tf.cast(waveform, tf.float32) / INT16_SCALE
    half = ENERGY_FRAME_SAMPLES // 2
    framed = tf.signal.frame(
        tf.pad(signal, [[half, half]]), ENERGY_FRAME_SAMPLES, ENERGY_HOP_SAMPLES
    )
    power = tf.reduce_mean(tf.square(framed), axis=-1)
    # librosa.amplitude_to_db(amin=1e-5) clips both the signal and the reference from below.
    floor = 1e-5**2
    reference = tf.maximum(tf.reduce_max(power), floor)
    level_db = 10 * tf.math.log(tf.maximum(power, floor) / reference) / tf.math.log(10.0)
    # Never empty: the loudest frame is within 60 dB of itself.
    loud = tf.cast(tf.where(level_db > -ENERGY_TOP_DB)[:, 0], tf.int32)
    end = tf.minimum((loud[-1] + 1) * ENERGY_HOP_SAMPLES, tf.size(waveform))
    return loud[0] * ENERGY_HOP_SAMPLES, end


def _num_frames(waveform: tf.Tensor) -> tf.Tensor:
    return tf.size(waveform) // SAMPLES_PER_FRAME


def _cut_frames(silent_samples: tf.Tensor, num_frames: tf.Tensor) -> tf.Tensor:
    """Frames to cut for i silent samples: i // 640 + 1 for i > 0, none for i = 0; at most all."""
    # Integers: floor(25 * i / 16000) + 1 in floating point is wrong on exact frame boundaries.
    frames = tf.where(silent_samples > 0, silent_samples // SAMPLES_PER_FRAME + 1, 0)
    return tf.minimum(frames, num_frames)
