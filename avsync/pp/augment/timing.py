"""When pictures are shown: a changed speed, and frames that show a neighbour instead.

The speed is drawn before the window, because a window of t frames takes t / speed frames of the
clip; the sound follows in sound.py at the same speed from the same origin.
"""

import tensorflow as tf

from avsync.pp.augment.draws import Draws, signed


def slowness(draws: Draws) -> tf.Tensor:
    """Frames of the output per frame of the clip; 1 if the clip's speed is not changed.

    It is a multiple of 2^-7, so that a frame of sound becomes a whole number of samples.
    """
    drawn = 1 + draws.augmentation.stretch * signed([], draws.seeds["stretch"])
    return tf.where(draws.chosen["stretch"], tf.round(drawn * 128) / 128, 1.0)


def source_frames(window_frames: int, factor: tf.Tensor) -> tf.Tensor:
    """The frames of the clip that fill a window of `window_frames` at this slowness."""
    return tf.cast(tf.math.ceil(window_frames / factor), tf.int32)


def shown_frames(num_frames: tf.Tensor, *, draws: Draws) -> tf.Tensor:
    """For each frame of the output, the frame of the clip that it shows: int32 [t].

    The output has all whole frames of `num_frames` at its slowness. A share of them, drawn one by
    one, show the frame before or after theirs, with equal probability: always
    the frame before would make the picture late.
    """
    factor = slowness(draws)
    length = tf.cast(tf.math.floor(tf.cast(num_frames, tf.float32) * factor), tf.int32)
    index = tf.range(length)
    if draws.has("frame_drops"):
        seeds = tf.random.split(draws.seeds["frame_drops"], 2)
        share = draws.augmentation.frame_drops * tf.random.stateless_uniform([], seeds[0])
        share = tf.where(draws.chosen["frame_drops"], share, 0.0)
        uniform = tf.random.stateless_uniform(tf.shape(index), seeds[1])
        before = tf.cast(uniform < share / 2, tf.int32)
        after = tf.cast((uniform >= share / 2) & (uniform < share), tf.int32)
        index = tf.clip_by_value(index - before + after, 0, tf.maximum(length - 1, 0))
    # The clip's frame at the middle of each output frame.
    shown = tf.cast(tf.math.floor((tf.cast(index, tf.float32) + 0.5) / factor), tf.int32)
    return tf.minimum(shown, tf.maximum(num_frames - 1, 0))
