"""Where the picture lies: crop, mirror, affine and elastic warp, and a rectangle over it."""

import numpy as np
import tensorflow as tf

from avsync.pp.augment.draws import factor, signed
from avsync.pp.augmentation import Augmentation
from avsync.units import CROP_PIXELS, INPUT_PIXELS

CENTRE = (CROP_PIXELS - INPUT_PIXELS) // 2

# Rows and columns of a mouth crop that lips may cover, the lower lip of a wide open mouth included.
# Crops are aligned by landmarks, so that the mouth is here in all of them.
LIP_ROWS, LIP_COLUMNS = (30, 76), (14, 82)

# The warp is a cubic B-spline with as many knots in each direction, 17 pixels apart: half a mouth.
KNOTS = 6


def flip(frames: tf.Tensor, *, probability: float, seed: tf.Tensor) -> tf.Tensor:
    """[t h w 1], flipped horizontally with this probability."""
    # The last axis of a matrix is reversed in 0.2 ms for a clip, an axis before it in 0.9 ms.
    rows = tf.reshape(frames, [-1, tf.shape(frames)[2]])
    return tf.cond(
        is_mirrored(probability, seed),
        lambda: tf.reshape(tf.reverse(rows, [1]), tf.shape(frames)),
        lambda: frames,
    )


def is_mirrored(probability: float, seed: tf.Tensor) -> tf.Tensor:
    """Whether `flip` flips, bool scalar."""
    return tf.random.stateless_uniform([], seed) < probability


def crop(frames: tf.Tensor, *, shift_pixels: int, seed: tf.Tensor) -> tf.Tensor:
    """uint8 [t 96 96 c] to [t 88 88 c], shifted by up to `shift_pixels` from the centre."""
    top, left = tf.unstack(CENTRE + _shift(shift_pixels, seed))
    return frames[:, top : top + INPUT_PIXELS, left : left + INPUT_PIXELS]


def centre_crop(frames: tf.Tensor) -> tf.Tensor:
    """uint8 [t 96 96 c] to [t 88 88 c], the crop that AV-HuBERT is evaluated on."""
    return crop(frames, shift_pixels=0, seed=tf.constant([0, 0]))


def place(
    pixels: tf.Tensor, *, shift_pixels: int, shift_seed: tf.Tensor, mirrored: tf.Tensor
) -> tf.Tensor:
    """uint8 [96 96 t] to float32 [88 88 t], shifted as by `crop`, then flipped if `mirrored`."""
    top, left = tf.unstack(CENTRE + _shift(shift_pixels, shift_seed))
    column = tf.range(INPUT_PIXELS)
    column = left + tf.where(mirrored, INPUT_PIXELS - 1 - column, column)
    first = (top + tf.range(INPUT_PIXELS))[:, None] * CROP_PIXELS + column
    return tf.cast(tf.gather(_flat(pixels), first), tf.float32)


def warp(
    pixels: tf.Tensor,
    *,
    augmentation: Augmentation,
    shift_seed: tf.Tensor,
    mirrored: tf.Tensor,
    seed: tf.Tensor,
) -> tf.Tensor:
    """`place`, also scaled, turned and bent, all in one bilinear resampling.

    Beyond its edges the crop is mirrored.
    """
    shift = tf.cast(_shift(augmentation.shift_pixels, shift_seed), tf.float32)
    source = _source(augmentation, seed) + (CENTRE + shift)[:, None, None]
    y, x = tf.unstack(tf.cond(mirrored, lambda: tf.reverse(source, [2]), lambda: source))
    flat = _flat(pixels)
    (row, lower), (column, right) = _split(y), _split(x)
    first = tf.reshape(row * CROP_PIXELS + column, [-1])
    parts = [
        tf.cast(tf.gather(flat, first + step), tf.float32) * tf.reshape(weight, [-1, 1])
        for step, weight in (
            (0, (1 - lower) * (1 - right)),
            (1, (1 - lower) * right),
            (CROP_PIXELS, lower * (1 - right)),
            (CROP_PIXELS + 1, lower * right),
        )
    ]
    return tf.reshape(tf.add_n(parts), [INPUT_PIXELS, INPUT_PIXELS, -1])


def cut_out(pixels: tf.Tensor, *, strength: float, seed: tf.Tensor) -> tf.Tensor:
    """uint8 [96 96 t] with a grey rectangle at one edge, up to `strength` of the way to the lips.

    It never covers `LIP_ROWS` x `LIP_COLUMNS`.
    """
    side, depth, length, place, grey = tf.unstack(tf.random.stateless_uniform([5], seed))
    (top, bottom), (left, right) = LIP_ROWS, LIP_COLUMNS
    margins = tf.constant([top, CROP_PIXELS - bottom, left, CROP_PIXELS - right], tf.float32)
    side = tf.cast(side * 4, tf.int32)
    depth = tf.cast(strength * depth * margins[side], tf.int32)
    length = 0.3 + 0.7 * length
    along = tf.range(CROP_PIXELS, dtype=tf.float32) / CROP_PIXELS - place * (1 - length)
    beside = (along >= 0) & (along < length)
    index = tf.range(CROP_PIXELS)
    # From the top or the left, or from the bottom or the right.
    across = tf.where(side % 2 == 0, index < depth, index >= CROP_PIXELS - depth)
    covered = tf.where(
        side < 2, across[:, None] & beside[None, :], beside[:, None] & across[None, :]
    )
    flat = _flat(pixels)
    grey = tf.fill([1, tf.shape(flat)[1]], tf.cast(grey * 255, tf.uint8))
    # Copying pixels over time takes a tenth of the time of choosing them one by one.
    own = tf.reshape(tf.range(CROP_PIXELS * CROP_PIXELS), [CROP_PIXELS, CROP_PIXELS])
    return tf.gather(tf.concat([flat, grey], 0), tf.where(covered, CROP_PIXELS * CROP_PIXELS, own))


def _flat(pixels: tf.Tensor) -> tf.Tensor:
    """[96 96 t] as [9216 t]. Its rows are the values of one pixel over time.

    Gathering them copies whole runs of memory, 0.1 ms for a clip; gathering single pixels of
    [t h w] takes 3 ms.
    """
    return tf.reshape(pixels, [CROP_PIXELS * CROP_PIXELS, -1])


def _shift(shift_pixels: int, seed: tf.Tensor) -> tf.Tensor:
    if not 0 <= shift_pixels <= CENTRE:
        raise ValueError(f"shift_pixels must be 0 to {CENTRE}, got {shift_pixels}")
    return tf.random.stateless_uniform([2], seed, -shift_pixels, shift_pixels + 1, tf.int32)


def _source(augmentation: Augmentation, seed: tf.Tensor) -> tf.Tensor:
    """The place (y, x) in the crop of each pixel of the output, float32 [2 88 88]."""
    a = augmentation
    seeds = tf.random.split(seed, 2)
    scale, turn, aspect = tf.unstack(signed([3], seeds[0]))
    angle = turn * (a.rotation_degrees * np.pi / 180)
    root = tf.sqrt(factor(a.aspect, aspect))
    # Pixels of the output are looked up in the crop: the inverse of what happens to the picture.
    step = 1 / factor(a.scale, scale)
    cosine, sine = tf.cos(angle) * step, tf.sin(angle) * step
    middle = (INPUT_PIXELS - 1) / 2
    y = tf.range(INPUT_PIXELS, dtype=tf.float32)[:, None] - middle
    x = tf.range(INPUT_PIXELS, dtype=tf.float32)[None, :] - middle
    affine = tf.stack([(cosine * y + sine * x) * root, (cosine * x - sine * y) / root])
    knots = signed([2, KNOTS, KNOTS], seeds[1]) * a.warp_pixels
    basis = tf.constant(_spline_basis())
    return affine + middle + basis @ knots @ tf.transpose(basis)


def _spline_basis() -> np.ndarray:
    """float32 [88 KNOTS], rows of sum 1: no pixel moves further than the knots do."""
    knots = np.linspace(0, INPUT_PIXELS - 1, KNOTS)
    distance = np.abs(np.arange(INPUT_PIXELS)[:, None] - knots) / (knots[1] - knots[0])
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = np.clip(2 - distance, 0, None) ** 3 / 6
    weights = np.where(distance < 1, near, far)
    return (weights / weights.sum(1, keepdims=True)).astype(np.float32)


def _split(place: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The pixel before each place, mirrored into the crop, and the weight of the one after it."""
    last = CROP_PIXELS - 1
    inside = tf.abs(last - tf.abs(last - tf.abs(place)))
    before = tf.minimum(tf.floor(inside), last - 1.0)
    return tf.cast(before, tf.int32), inside - before
