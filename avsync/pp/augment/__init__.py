"""Augmentation of mouth crops and waveform; each op is a pure function of its seed.

Each op draws once per clip: a change from frame to frame would look like motion. None moves the A/V
offset. `Augmentation` says what there is; an op of strength 0 is not part of the graph.
"""

import tensorflow as tf

from avsync.pp.augment import picture, sound, timing
from avsync.pp.augment.draws import draw
from avsync.pp.augment.geometry import centre_crop
from avsync.pp.augmentation import Augmentation

__all__ = ["Augmentation", "augment", "centre_crop", "shown_frames", "source_frames"]


def source_frames(
    window_frames: int, *, augmentation: Augmentation, seed: tf.Tensor
) -> tf.Tensor | int:
    """How many frames of a clip become `window_frames`, or one more, at its speed."""
    if not augmentation.stretch:
        return window_frames
    return timing.source_frames(window_frames, timing.slowness(draw(augmentation, seed)))


def shown_frames(
    num_frames: tf.Tensor, *, augmentation: Augmentation, seed: tf.Tensor
) -> tf.Tensor:
    """The frame of the clip that each frame of the output shows, int32 [t]; see `timing`."""
    return timing.shown_frames(num_frames, draws=draw(augmentation, seed))


def augment(
    frames: tf.Tensor, waveform: tf.Tensor, *, augmentation: Augmentation, seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """All other ops: uint8 [t 96 96 1] and int16 [640 n] to uint8 [t 88 88 1] and int16 [640 t].

    `frames` are those that `shown_frames` names for the n frames and the same seed.
    """
    a, seeds = augmentation, tf.random.split(seed, 4)
    draws = draw(a, seed)
    frames = picture.change(frames, draws=draws, seeds=picture.Seeds(*tf.unstack(seeds[:3])))
    waveform = sound.change(waveform, draws=draws)
    waveform = sound.gain(waveform, low_db=a.gain_low_db, high_db=a.gain_high_db, seed=seeds[3])
    return frames, waveform
