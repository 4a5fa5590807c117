"""Each op on pictures alone: its range, what it leaves alone, and that zero is nothing."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from avsync.pp.augment import degradation, geometry, photometry
from avsync.pp.augmentation import Augmentation

rng = np.random.default_rng(0)
FRAMES = rng.integers(0, 256, (3, 96, 96, 1), np.uint8)
PIXELS = tf.constant(rng.uniform(0, 255, (88, 88, 5)), tf.float32)
PIXELS_OF_CROP = np.moveaxis(FRAMES[..., 0], 0, 2)  # [96 96 t]


def seed(i: int) -> tf.Tensor:
    return tf.constant([1, i])


def smooth(num_frames: int = 2) -> np.ndarray:
    """uint8 [96 96 t]: a slope, whose value at (y, x) is 60 + y + x / 2."""
    y, x = np.mgrid[:96, :96]
    return np.repeat((60 + y + x / 2)[..., None], num_frames, 2).astype(np.uint8)


def warped(
    pixels: np.ndarray, i: int, *, shift_seed: int = 0, flip: bool = False, **options: Any
) -> np.ndarray:
    return geometry.warp(
        tf.constant(pixels),
        augmentation=Augmentation(**{"shift_pixels": 0, **options}),
        shift_seed=seed(shift_seed),
        mirrored=tf.constant(flip),
        seed=seed(i),
    ).numpy()


def places(i: int, **strengths: Any) -> np.ndarray:
    """[2 88 88]: where in the crop each pixel comes from, read off two slopes."""
    y, x = np.mgrid[:96, :96]
    slopes = np.stack([y, x], 2).astype(np.uint8)
    return np.moveaxis(warped(slopes, i, **strengths), 2, 0)


def test_a_warp_of_no_strength_is_the_centre_crop():
    np.testing.assert_array_equal(warped(PIXELS_OF_CROP, 0), PIXELS_OF_CROP[4:92, 4:92])


@pytest.mark.parametrize("flip", [False, True])
def test_what_is_placed_is_what_is_cropped_and_flipped(flip):
    for i in range(5):
        cropped = geometry.crop(tf.constant(FRAMES), shift_pixels=4, seed=seed(i))
        flipped = geometry.flip(cropped, probability=float(flip), seed=seed(0))
        expected = np.moveaxis(flipped.numpy()[..., 0], 0, 2)
        where = {"shift_seed": seed(i), "mirrored": tf.constant(flip)}
        placed = geometry.place(tf.constant(PIXELS_OF_CROP), shift_pixels=4, **where)
        np.testing.assert_array_equal(placed, expected)
        out = warped(PIXELS_OF_CROP, 0, shift_seed=i, shift_pixels=4, flip=flip)
        np.testing.assert_allclose(out, expected, atol=1e-2)


def test_a_warped_picture_is_flipped_after_it():
    strengths: dict[str, Any] = {"scale": 0.25, "rotation_degrees": 15.0, "warp_pixels": 3.0}
    for i in range(3):
        straight, flipped = (
            warped(PIXELS_OF_CROP, i, flip=flip, **strengths) for flip in (False, True)
        )
        np.testing.assert_array_equal(flipped, straight[:, ::-1])


@pytest.mark.parametrize(
    ("strength", "measure", "low", "high"),
    [
        # The middle half of the crop: nothing is mirrored there.
        ({"scale": 0.25}, lambda y, x: 40 / (y[64, 44] - y[24, 44]), 0.8, 1.25),
        ({"rotation_degrees": 15.0}, lambda y, x: angle(y, x), -15, 15),
        ({"aspect": 0.15}, lambda y, x: span(y, x), 1 / 1.15, 1.15),
    ],
)
def test_an_affine_change_stays_within_its_strength_and_uses_it(strength, measure, low, high):
    found = [measure(*places(i, **strength)) for i in range(40)]
    assert low - 1e-3 <= min(found) < low + 0.2 * (high - low)
    assert high - 0.2 * (high - low) < max(found) <= high + 1e-3


def angle(y: np.ndarray, x: np.ndarray) -> float:
    return np.degrees(np.arctan2(y[44, 64] - y[44, 24], x[44, 64] - x[44, 24]))


def span(y: np.ndarray, x: np.ndarray) -> float:
    """Width over height of what covers a square."""
    return (y[64, 44] - y[24, 44]) / (x[44, 64] - x[44, 24])


def test_the_middle_of_the_mouth_stays_in_place_under_affine_changes():
    for i in range(10):
        y, x = places(i, scale=0.25, rotation_degrees=15.0, aspect=0.15)
        assert y[43:45, 43:45].mean() == pytest.approx(47.5, abs=0.01)
        assert x[43:45, 43:45].mean() == pytest.approx(47.5, abs=0.01)


def test_a_smooth_warp_bends_by_less_than_its_strength_and_folds_nothing():
    bent = []
    for i in range(10):
        y, x = places(i, warp_pixels=3.0)
        moved = np.stack([y, x])[:, 8:-8, 8:-8] - np.mgrid[4:92, 4:92][:, 8:-8, 8:-8]
        bent.append(np.abs(moved).max())
        assert np.diff(y[8:-8, 8:-8], axis=0).min() > 0.3
        assert np.diff(x[8:-8, 8:-8], axis=1).min() > 0.3
    assert np.mean(bent) > 1
    assert max(bent) <= 3.001


def test_all_frames_are_warped_alike():
    out = warped(smooth(), 3, scale=0.25, rotation_degrees=15.0, aspect=0.15, warp_pixels=3.0)
    np.testing.assert_array_equal(out[..., 0], out[..., 1])


def test_a_rectangle_never_covers_the_lips_and_lies_at_an_edge():
    (top, bottom), (left, right) = geometry.LIP_ROWS, geometry.LIP_COLUMNS
    sides, covered = set(), []
    for i in range(60):
        out = geometry.cut_out(tf.constant(PIXELS_OF_CROP), strength=1.0, seed=seed(i)).numpy()
        changed = np.any(out != PIXELS_OF_CROP, axis=2)
        assert not changed[top:bottom, left:right].any()
        edges = changed[0], changed[-1], changed[:, 0], changed[:, -1]
        sides |= {side for side, edge in enumerate(edges) if edge.sum() > 20}
        covered.append(changed.mean())
        assert len(np.unique(out[changed])) <= 1
    assert sides == {0, 1, 2, 3}
    assert 0.1 < max(covered) < 0.35


def test_gamma_keeps_black_and_white_and_stays_within_its_exponents():
    greys = tf.constant([[[0.0, 64.0, 128.0, 255.0]]])
    found = []
    for i in range(40):
        out = photometry.gamma(greys, strength=0.65, seed=seed(i)).numpy()[0, 0]
        assert out[0] < 3
        assert out[3] == pytest.approx(255)
        found.append(np.log(out[2] / 255) / np.log(128 / 255))
    assert 1 / 1.65 - 1e-3 <= min(found) < 0.7
    assert 1.4 < max(found) <= 1.651


def blurred(pixels: np.ndarray, i: int) -> np.ndarray:
    return degradation.blur(tf.constant(pixels, tf.float32), strength=2.0, seed=seed(i)).numpy()


def lowered(pixels: np.ndarray, i: int) -> np.ndarray:
    low = degradation.low_resolution(tf.constant(pixels, tf.float32), strength=32, seed=seed(i))
    return low.numpy()


@pytest.mark.parametrize("op", [blurred, lowered])
def test_blur_and_low_resolution_keep_an_even_picture_and_remove_detail(op):
    pixels = PIXELS.numpy()
    for i in range(8):
        np.testing.assert_allclose(op(np.full([88, 88, 2], 77.0), i), 77, rtol=1e-5)
        left = op(pixels, i)
        assert left.std() < pixels.std() * 1.0001
        assert left.mean() == pytest.approx(pixels.mean(), rel=0.02)


def test_blur_is_a_gaussian_of_at_most_its_standard_deviation():
    points = np.zeros((88, 88, 1), np.float32)
    points[44, 44] = 1
    distance = np.arange(88) - 44
    found = []
    for i in range(20):
        spread = blurred(points, i)[..., 0]
        profile = spread.sum(1)
        np.testing.assert_allclose(spread, np.outer(profile, spread.sum(0)), atol=1e-6)
        found.append(np.sqrt((profile * distance**2).sum()))
        # As far as whole pixels show one.
        gaussian = np.exp(-0.5 * (distance / max(found[-1], 1e-3)) ** 2)
        if found[-1] > 0.6:
            np.testing.assert_allclose(profile, gaussian / gaussian.sum(), atol=0.01)
    assert 1.6 < max(found) <= 2.001
    assert min(found) < 0.3


def test_a_blur_at_the_edge_weighs_what_is_within_the_picture():
    points = np.zeros((88, 88, 1), np.float32)
    points[0] = 1
    for i in range(8):
        edge, next_row = blurred(points, i)[:2, 44, 0]
        far = np.zeros((88, 88, 1), np.float32)
        far[44] = 1
        centre, beside = blurred(far, i)[44:46, 44, 0]
        # Of a line at the edge half the weights are beyond it.
        assert edge == pytest.approx(centre / (centre + (1 - centre) / 2), rel=1e-3)
        assert next_row >= beside


def test_a_low_resolution_moves_no_edge():
    slope = np.repeat(np.mgrid[:88, :88][0][..., None], 2, 2).astype(np.float32)
    for i in range(8):
        np.testing.assert_allclose(lowered(slope, i)[8:-8], slope[8:-8], atol=0.1)


def test_a_low_resolution_has_no_more_detail_than_its_pixels():
    for i in range(8):
        # The rows of all pictures of a single line.
        rows = lowered(np.eye(88)[:, None, :].repeat(88, 1), i)[:, 44]
        assert 32 <= np.linalg.matrix_rank(rows, tol=1e-3) <= 64


def test_noise_has_at_most_its_standard_deviation_and_is_new_in_each_frame():
    grey = tf.fill([88, 88, 8], 100.0)
    found = []
    for i in range(20):
        noise = degradation.noise(grey, strength=10.0, seed=seed(i)).numpy() - 100
        found.append(noise.std())
        assert abs(np.corrcoef(noise[..., 0].ravel(), noise[..., 1].ravel())[0, 1]) < 0.15
    assert 8 < max(found) <= 10.3


def test_compressing_twice_is_compressing_once():
    # The blocks and steps are the same, and the quantised values stay where they are.
    once = degradation.compress(PIXELS, strength=4.0, seed=seed(0))
    twice = degradation.compress(once, strength=4.0, seed=seed(0))
    np.testing.assert_allclose(twice, once, atol=1e-2)
    assert np.abs((once - PIXELS).numpy()).mean() > 5


def test_fine_steps_change_little_and_coarse_ones_more():
    errors = [
        np.abs((degradation.compress(PIXELS, strength=x, seed=seed(0)) - PIXELS).numpy()).mean()
        for x in (0.01, 0.5, 4.0)
    ]
    assert errors[0] < 1 < errors[1] < errors[2]


def test_the_steps_are_those_of_jpeg_in_the_order_of_its_frequencies():
    # A wave of 3.5 cycles per block is dropped where one of 1/2 cycle of equal height stays.
    index = np.arange(88)
    slow, fast = (10 * np.cos(np.pi * k * (2 * index + 1) / 16) for k in (1, 7))
    for wave, kept in ((slow, True), (fast, False)):
        for picture in (np.repeat(wave[:, None], 88, 1), np.repeat(wave[None], 88, 0)):
            pixels = tf.constant(128 + picture[..., None], tf.float32)
            out = degradation.compress(pixels, strength=8.0, seed=seed(1)).numpy()
            assert (out.std() > 4) == kept
