"""The kept frames of a clip with their sound: decoded, changed, augmented."""

from typing import Any

import tensorflow as tf

from avsync.pp import augment
from avsync.pp.augmentation import Augmentation
from avsync.pp.frames import FrameRange, cut
from avsync.pp.pseudo_fakes import Draws, forge_clip
from avsync.units import CROP_PIXELS

# The parsed fields of a record, by name.
Fields = dict[str, Any]


def _changes_times(augmentation: Augmentation) -> bool:
    """Whether frames of a clip are shown at other times than their own."""
    return bool(augmentation.stretch or augmentation.frame_drops)


def source_frames(
    window_frames: int, augmentation: Augmentation | None, seed: tf.Tensor
) -> tf.Tensor | int:
    """The frames of a clip that `load_clip` makes a window of, with the same seed."""
    if augmentation is None:
        return window_frames
    return augment.source_frames(window_frames, augmentation=augmentation, seed=seed)


def change_clip(clip: Fields, span: FrameRange, draws: Draws) -> tuple[Fields, FrameRange]:
    """Fields and span of the kept frames alone, changed as drawn; crops are decoded."""
    encoded, waveform = cut(span, clip["frames"], clip["waveform"])
    frames, waveform = forge_clip(decode_frames(encoded), waveform, draws=draws)
    changed = clip | {"frames": frames, "waveform": waveform}
    return changed, FrameRange(tf.constant(0), tf.shape(frames)[0])


def shown(marks: tf.Tensor, augmentation: Augmentation | None, seed: tf.Tensor) -> tf.Tensor:
    """`marks` of the kept frames as those of the frames that `load_clip` makes of them."""
    if augmentation is None or not _changes_times(augmentation):
        return marks
    index = augment.shown_frames(tf.size(marks), augmentation=augmentation, seed=seed)
    return tf.gather(marks, index)


def load_clip(
    clip: Fields, span: FrameRange, augmentation: Augmentation | None, seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """(visual, audio) of the kept frames: augmented, or centre-cropped."""
    encoded, waveform = cut(span, clip["frames"], clip["waveform"])
    if augmentation is None:
        return augment.centre_crop(decode_frames(encoded)), waveform
    if _changes_times(augmentation):
        shown = augment.shown_frames(tf.shape(encoded)[0], augmentation=augmentation, seed=seed)
        # Frames that are not shown need not be decoded, and those that are shown twice only once.
        needed, index = tf.unique(shown)
        decoded = decode_frames(tf.gather(encoded, needed))
        each_once = tf.size(needed) == tf.size(shown)  # then `index` is 0, 1, 2 and so on
        frames = tf.cond(each_once, lambda: decoded, lambda: tf.gather(decoded, index))
    else:
        frames = decode_frames(encoded)
    return augment.augment(frames, waveform, augmentation=augmentation, seed=seed)


def decode_frames(encoded: tf.Tensor) -> tf.Tensor:
    """Encoded grey frames [t] to uint8 [t 96 96 1]; decoded ones stay as they are."""
    if encoded.dtype == tf.uint8:
        return encoded
    shape = [CROP_PIXELS, CROP_PIXELS, 1]
    return tf.map_fn(
        lambda image: tf.ensure_shape(tf.io.decode_image(image, channels=1), shape),
        encoded,
        fn_output_signature=tf.TensorSpec(shape, tf.uint8),
    )
