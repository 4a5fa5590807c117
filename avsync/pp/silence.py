"""Which video frames of a clip to keep, so that leading silence gives nothing away.

Every rule looks at the sound alone and answers in whole video frames. Sound and picture are then
cut alike (`cut`): cutting samples alone would move the very alignment the loss measures.
16_000 / 25 = 640 samples leave with each frame.

Rules are pure and run eagerly and inside `tf.data.Dataset.map`.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from jaxtyping import Int16

from avsync import lookup
from avsync.units import INT16_SCALE, SAMPLES_PER_FRAME, SILENCE_AMPLITUDE, SILENCE_LEVEL

# `energy`: the defaults of librosa.effects.trim.
ENERGY_FRAME_SAMPLES = 2048
ENERGY_HOP_SAMPLES = 512
ENERGY_TOP_DB = 60.0

# `jitter`: up to this many frames more than `leading` go, 0.2 s; slivers of planted silence are
# one or two frames long, so none of them tells where a clip began.
JITTER_FRAMES = 5


class Kept(NamedTuple):
    """Frames [first, end) of a clip stay; first == end when the clip is all silence."""

    first: tf.Tensor
    end: tf.Tensor


def rule(name: str) -> Callable[[tf.Tensor, tf.Tensor], Kept]:
    """The rule called `name`, a function of (int16 waveform [s], int32 seed [2])."""
    lookup.require("way of trimming", name, sorted(RULES))
    return RULES[name]


def kept_frames(waveform: Int16[np.ndarray, " s"], *, name: str) -> range:
    """The frames of a single clip that the rule called `name` keeps, outside of any pipeline."""
    kept = rule(name)(tf.constant(waveform), tf.constant([0, 0]))
    return range(int(kept.first), int(kept.end))


def leading_samples(waveform: tf.Tensor) -> tf.Tensor:
    """Samples before the first |x| > 5e-4, int32; all of them if the clip is silent."""
    if waveform.dtype.is_floating:
        sounds = tf.abs(waveform) > SILENCE_AMPLITUDE
    else:  # in int32: |-32768| does not fit in an int16
        sounds = tf.abs(tf.cast(waveform, tf.int32)) > SILENCE_LEVEL
    # The sound behind the end stands for "never".
    return tf.argmax(tf.concat([sounds, [True]], axis=0), output_type=tf.int32)


def cut(kept: Kept, frames: tf.Tensor, waveform: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Frames [first, end) of the picture and their samples, 640 for each."""
    samples = slice(kept.first * SAMPLES_PER_FRAME, kept.end * SAMPLES_PER_FRAME)
    return frames[kept.first : kept.end], waveform[samples]


def _none(waveform: tf.Tensor, seed: tf.Tensor) -> Kept:
    del seed
    return Kept(tf.constant(0), _num_frames(waveform))


def _leading(waveform: tf.Tensor, seed: tf.Tensor) -> Kept:
    """The paper's rule: the frame in which the sound starts goes too; sound from sample 0 stays."""
    del seed
    num_frames = _num_frames(waveform)
    return Kept(_cut_frames(leading_samples(waveform), num_frames), num_frames)


def _both_ends(waveform: tf.Tensor, seed: tf.Tensor) -> Kept:
    """The paper's rule at the start, and its mirror image at the end."""
    first, num_frames = _leading(waveform, seed)
    trailing = _cut_frames(leading_samples(waveform[::-1]), num_frames)
    return Kept(first, tf.maximum(first, num_frames - trailing))


def _energy(waveform: tf.Tensor, seed: tf.Tensor) -> Kept:
    """librosa.effects.trim's bounds, inwards to whole frames: no sliver of silence stays."""
    del seed
    first_sample, end_sample = energy_bounds(waveform)
    first = -(-first_sample // SAMPLES_PER_FRAME)
    return Kept(first, tf.maximum(first, end_sample // SAMPLES_PER_FRAME))


def _jitter(waveform: tf.Tensor, seed: tf.Tensor) -> Kept:
    """`leading`, then 0 to JITTER_FRAMES frames more, at random: for training."""
    first, num_frames = _leading(waveform, seed)
    extra = tf.random.stateless_uniform([], seed, 0, JITTER_FRAMES + 1, tf.int32)
    return Kept(tf.minimum(first + extra, num_frames), num_frames)


RULES: dict[str, Callable[[tf.Tensor, tf.Tensor], Kept]] = {
    "none": _none,
    "leading": _leading,
    "both_ends": _both_ends,
    "energy": _energy,
    "jitter": _jitter,
}


def energy_bounds(waveform: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """First and end sample of what is within 60 dB of the loudest moment, as librosa 0.11 has it.

    Root mean square over centred frames of 2,048 samples, one each 512; the ends of the signal are
    padded with zeros. A clip of digital zeros is within 60 dB of itself: all of it stays.
    """
    signal = tf.cast(waveform, tf.float32) / INT16_SCALE
    half = ENERGY_FRAME_SAMPLES // 2
    framed = tf.signal.frame(
        tf.pad(signal, [[half, half]]), ENERGY_FRAME_SAMPLES, ENERGY_HOP_SAMPLES
    )
    power = tf.reduce_mean(tf.square(framed), axis=-1)
    # librosa.amplitude_to_db(amin=1e-5): both the signal and the reference have a floor.
    floor = 1e-5**2
    reference = tf.maximum(tf.reduce_max(power), floor)
    level_db = 10 * tf.math.log(tf.maximum(power, floor) / reference) / tf.math.log(10.0)
    # Never empty: the loudest frame is within any distance of itself.
    loud = tf.cast(tf.where(level_db > -ENERGY_TOP_DB)[:, 0], tf.int32)
    end = tf.minimum((loud[-1] + 1) * ENERGY_HOP_SAMPLES, tf.size(waveform))
    return loud[0] * ENERGY_HOP_SAMPLES, end


def _num_frames(waveform: tf.Tensor) -> tf.Tensor:
    return tf.size(waveform) // SAMPLES_PER_FRAME


def _cut_frames(silent_samples: tf.Tensor, num_frames: tf.Tensor) -> tf.Tensor:
    """`i // 640 + 1` frames for i > 0 silent samples, none for i = 0; at most all of them."""
    # Integers: floor(25 * i / 16000) + 1 in floating point is wrong on exact frame boundaries.
    frames = tf.where(silent_samples > 0, silent_samples // SAMPLES_PER_FRAME + 1, 0)
    return tf.minimum(frames, num_frames)
