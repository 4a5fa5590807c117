"""The mouth crops of a clip: what stands before the lips, where they lie, what the camera loses."""

from typing import NamedTuple

import tensorflow as tf

from avsync.pp.augment import degradation, geometry, photometry
from avsync.pp.augment.draws import GEOMETRY, Draws
from avsync.units import CROP_PIXELS, INPUT_PIXELS

OPS = (
    "cutout",
    *GEOMETRY,
    "gamma",
    "blur_pixels",
    "low_resolution_pixels",
    "noise",
    "compression",
)


class Seeds(NamedTuple):
    """Seeds, int32 [2], of the ops that every clip gets."""

    shift: tf.Tensor
    flip: tf.Tensor
    light: tf.Tensor


def change(frames: tf.Tensor, *, draws: Draws, seeds: Seeds) -> tf.Tensor:
    """uint8 [t 96 96 1] to [t 88 88 1]: what every clip gets, and what is drawn for this one."""
    a = draws.augmentation
    light = {"brightness": a.brightness, "contrast": a.contrast, "seed": seeds.light}

    def light_only() -> tf.Tensor:
        cropped = geometry.crop(frames, shift_pixels=a.shift_pixels, seed=seeds.shift)
        flipped = geometry.flip(cropped, probability=a.flip, seed=seeds.flip)
        return photometry.light(flipped, **light)

    def changed() -> tf.Tensor:
        pixels = draws.apply("cutout", geometry.cut_out, _time_last(frames))
        pixels = _placed(pixels, draws, seeds)
        pixels = draws.apply("gamma", photometry.gamma, pixels)
        pixels = draws.apply("blur_pixels", degradation.blur, pixels)
        pixels = draws.apply("low_resolution_pixels", degradation.low_resolution, pixels)
        pixels = draws.apply("noise", degradation.noise, pixels)
        pixels = draws.apply("compression", degradation.compress, pixels)
        return _time_first(photometry.relight(pixels, **light))

    if not draws.has(*OPS):
        return light_only()
    # Of no frames there is nothing to blur: the ops of TensorFlow refuse it.
    some = tf.shape(frames)[0] > 0
    return tf.cond(some & draws.any_chosen(*OPS), changed, light_only)


def _placed(pixels: tf.Tensor, draws: Draws, seeds: Seeds) -> tf.Tensor:
    """uint8 [96 96 t] to float32 [88 88 t], warped or cropped, and flipped."""
    a = draws.augmentation
    where = {
        "shift_seed": seeds.shift,
        "mirrored": geometry.is_mirrored(a.flip, seeds.flip),
    }

    def cropped() -> tf.Tensor:
        return geometry.place(pixels, shift_pixels=a.shift_pixels, **where)

    def warped() -> tf.Tensor:
        return geometry.warp(pixels, augmentation=a, seed=draws.seeds[GEOMETRY[0]], **where)

    if not draws.has(*GEOMETRY):
        return cropped()
    return tf.cond(draws.any_chosen(*GEOMETRY), warped, cropped)


def _time_last(frames: tf.Tensor) -> tf.Tensor:
    """[t 96 96 1] to [96 96 t]: a pixel over time is then one run of memory."""
    rows = tf.reshape(frames, [-1, CROP_PIXELS * CROP_PIXELS])
    return tf.reshape(tf.transpose(rows), [CROP_PIXELS, CROP_PIXELS, -1])


def _time_first(pixels: tf.Tensor) -> tf.Tensor:
    rows = tf.reshape(pixels, [INPUT_PIXELS * INPUT_PIXELS, -1])
    return tf.reshape(tf.transpose(rows), [-1, INPUT_PIXELS, INPUT_PIXELS, 1])
