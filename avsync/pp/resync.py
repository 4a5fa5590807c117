"""Sound moved back to its picture."""

import tensorflow as tf


def resync(
    visual: tf.Tensor, audio: tf.Tensor, *, late_frames: tf.Tensor, steps: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Picture and sound in sync, of a clip whose sound comes `late_frames` frames late.

    `steps` of the sound belong to a frame. What has no counterpart goes: as many frames at either
    end of picture and sound, so that both are shorter by |late_frames|, and empty at the worst.
    """
    num_frames = tf.shape(visual)[0]
    late = tf.clip_by_value(late_frames, -num_frames, num_frames)
    visual_first, audio_first = tf.maximum(-late, 0), tf.maximum(late, 0)
    num_left = num_frames - tf.abs(late)
    return (
        visual[visual_first : visual_first + num_left],
        audio[audio_first * steps : (audio_first + num_left) * steps],
    )
