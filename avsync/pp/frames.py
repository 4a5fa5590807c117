"""Cuts clips in whole video frames: ranges, windows, padding, and realignment.

Crops and waveform are always cut together. Cutting samples alone would change the A/V offset that
the loss measures. 16_000 / 25 = 640 samples belong to each frame.
"""

from typing import NamedTuple

import tensorflow as tf

from avsync.units import SAMPLES_PER_FRAME


class FrameRange(NamedTuple):
    """Frames [first, end) of a clip, int32 scalars; empty if first == end."""

    first: tf.Tensor
    end: tf.Tensor


def cut(span: FrameRange, frames: tf.Tensor, waveform: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The frames of `span`, and their samples."""
    samples = slice(span.first * SAMPLES_PER_FRAME, span.end * SAMPLES_PER_FRAME)
    return frames[span.first : span.end], waveform[samples]


def random_window(
    span: FrameRange, *, window_frames: int | tf.Tensor, seed: tf.Tensor
) -> FrameRange:
    """A random window of `window_frames` frames within `span`; all of `span` if it is shorter."""
    spare = tf.maximum(span.end - span.first - window_frames, 0)
    start = span.first + tf.random.stateless_uniform([], seed, 0, spare + 1, tf.int32)
    return FrameRange(start, tf.minimum(start + window_frames, span.end))


def pad(tensor: tf.Tensor, length: int) -> tf.Tensor:
    """`tensor` padded with zeros at the end of its first axis to `length`."""
    missing = length - tf.shape(tensor)[0]
    padded = tf.pad(tensor, [[0, missing]] + [[0, 0]] * (tensor.shape.rank - 1))
    return tf.ensure_shape(padded, [length, *tensor.shape[1:]])


def realign(
    visual: tf.Tensor, audio: tf.Tensor, *, late_frames: tf.Tensor, audio_steps: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """The two streams of a clip whose sound is `late_frames` late (negative: early), in sync.

    `audio_steps` steps of `audio` belong to each frame. Frames without a counterpart are cut off:
    both streams get |late_frames| shorter, or empty.
    """
    num_frames = tf.shape(visual)[0]
    late = tf.clip_by_value(late_frames, -num_frames, num_frames)
    visual_first, audio_first = tf.maximum(-late, 0), tf.maximum(late, 0)
    num_left = num_frames - tf.abs(late)
    return (
        visual[visual_first : visual_first + num_left],
        audio[audio_first * audio_steps : (audio_first + num_left) * audio_steps],
    )
