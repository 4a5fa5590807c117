"""The mouth crops of a clip: what stands before the lips, where they lie, what the camera loses."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from avsync.pp.augment import degradation, geometry, photometry
from avsync.pp.augment.draws import GEOMETRY, Draws
from avsync.units import INPUT_PIXELS

RESAMPLING = ("blur_pixels", "low_resolution_pixels")
OPS = ("cutout", *GEOMETRY, "gamma", *RESAMPLING, "noise", "compression")


class Seeds(NamedTuple):
    """Seeds, int32 [2], of the ops that every clip gets."""

    shift: tf.Tensor
    flip: tf.Tensor
    light: tf.Tensor


def change(frames: tf.Tensor, *, draws: Draws, seeds: Seeds) -> tf.Tensor:
    """uint8 [t 96 96 1] to [t 88 88 1]: what every clip gets, and what is drawn for this one."""
    a = draws.augmentation
    light = {"brightness": a.brightness, "contrast": a.contrast, "seed": seeds.light}

    def cropped(frames: tf.Tensor) -> tf.Tensor:
        return geometry.crop(frames, shift_pixels=a.shift_pixels, seed=seeds.shift)

    def flipped(frames: tf.Tensor) -> tf.Tensor:
        return geometry.flip(frames, probability=a.flip, seed=seeds.flip)

    def light_only() -> tf.Tensor:
        return photometry.light(flipped(cropped(frames)), **light)

    def changed() -> tf.Tensor:
        pixels = draws.apply("cutout", geometry.cut_out, frames)
        pixels = _placed(pixels, draws, cropped, seeds.shift)
        pixels = draws.apply("gamma", photometry.gamma, pixels)
        pixels = _resampled(pixels, draws)
        pixels = draws.apply("noise", degradation.noise, pixels)
        pixels = draws.apply("compression", degradation.compress, pixels)
        # The float32 values are at hand: rounding twice would take another 0.5 ms for a clip.
        pixels = photometry.relight(pixels, **light)
        return flipped(_time_first(tf.saturate_cast(tf.round(pixels), tf.uint8)))

    if not draws.has(*OPS):
        return light_only()
    return tf.cond(draws.any_chosen(*OPS), changed, light_only)


def _placed(
    frames: tf.Tensor,
    draws: Draws,
    crop: Callable[[tf.Tensor], tf.Tensor],
    shift_seed: tf.Tensor,
) -> tf.Tensor:
    """uint8 [t 96 96 1] to float32 [88 88 t], warped or cropped."""

    def cropped() -> tf.Tensor:
        return tf.cast(_time_last(crop(frames)), tf.float32)

    def warped() -> tf.Tensor:
        return geometry.warp(
            _time_last(frames),
            augmentation=draws.augmentation,
            shift_seed=shift_seed,
            seed=draws.seeds[GEOMETRY[0]],
        )

    if not draws.has(*GEOMETRY):
        return cropped()
    return tf.cond(draws.any_chosen(*GEOMETRY), warped, cropped)


def _resampled(pixels: tf.Tensor, draws: Draws) -> tf.Tensor:
    """Blur and low resolution, as one matrix on each axis."""
    if not draws.has(*RESAMPLING):
        return pixels

    def resampled() -> tf.Tensor:
        matrix = draws.apply("blur_pixels", degradation.blur, tf.eye(INPUT_PIXELS))
        matrix = draws.apply("low_resolution_pixels", degradation.low_resolution, matrix)
        return degradation.resample(pixels, matrix)

    return tf.cond(draws.any_chosen(*RESAMPLING), resampled, lambda: pixels)


def _time_last(frames: tf.Tensor) -> tf.Tensor:
    """[t h w 1] to [h w t]: a pixel over time is then one run of memory."""
    return tf.transpose(tf.squeeze(frames, [3]), [1, 2, 0])


def _time_first(pixels: tf.Tensor) -> tf.Tensor:
    return tf.expand_dims(tf.transpose(pixels, [2, 0, 1]), 3)
