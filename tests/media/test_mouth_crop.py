"""Mouth crops equal the reference, also at the edges of the frame."""

from pathlib import Path

import numpy as np
import pytest

from avsync.media.mouth_crop import MEAN_FACE, STABLE_POINTS, crop_mouths, fill_missing


def grey(frames_bgr: np.ndarray) -> np.ndarray:
    """OpenCV's grey of 8-bit BGR, in exact integers."""
    blue, green, red = np.moveaxis(frames_bgr.astype(np.int64), -1, 0)
    return ((red * 9798 + green * 19235 + blue * 3735 + 16384) >> 15).astype(np.uint8)


@pytest.fixture(scope="module", params=["b", "short"])
def vectors(request: pytest.FixtureRequest, testdata: Path) -> dict[str, np.ndarray]:
    """Frames, landmarks and reference crops of a clip; "short" has fewer frames than the window."""
    with np.load(testdata / "roi_vectors.npz") as archive:
        prefix = f"{request.param}_"
        return {key.removeprefix(prefix): archive[key] for key in archive if key.startswith(prefix)}


def test_missing_landmarks_are_filled_as_in_the_reference(vectors):
    raw = vectors["landmarks_raw(-1=None)"].astype(np.float64)
    raw[(raw == -1).all(axis=(1, 2))] = np.nan
    np.testing.assert_allclose(fill_missing(raw), vectors["landmarks_interp"], atol=1e-9)


def test_crops_equal_the_reference_within_one_grey_level(vectors):
    crops = crop_mouths(grey(vectors["frames_bgr"]), vectors["landmarks_interp"])
    difference = np.abs(crops[..., 0].astype(int) - vectors["rois_gray"].astype(int))
    assert np.mean(difference <= 1) >= 0.999
    assert difference.mean() < 0.5


def mean_face_with_mouth_at(x: float, y: float) -> np.ndarray:
    """Landmarks of a frame that is already aligned."""
    landmarks = np.empty((1, 68, 2))
    landmarks[:] = (x, y)
    landmarks[0, list(STABLE_POINTS)] = MEAN_FACE
    return landmarks


def test_pixels_outside_the_frame_are_black():
    frame = np.full((1, 150, 130), 200, np.uint8)
    (crop,) = crop_mouths(frame, mean_face_with_mouth_at(128, 140))[..., 0]
    # The crop begins at (80, 92): 50 columns and 58 rows of the frame are in it.
    assert np.all(crop[:58, :50] == 200)
    assert np.all(crop[58:] == 0)
    assert np.all(crop[:, 50:] == 0)


@pytest.mark.parametrize(("mouth", "corner"), [((128, 157), (80, 109)), ((10, 250), (0, 160))])
def test_the_crop_is_centred_on_the_mouth_within_the_canvas(mouth, corner):
    frame = np.add.outer(np.arange(256), np.zeros(256)).astype(np.uint8)[None]
    x, y = corner
    landmarks = mean_face_with_mouth_at(*mouth)
    rows = crop_mouths(frame, landmarks)[0, ..., 0]
    columns = crop_mouths(frame.transpose(0, 2, 1), landmarks)[0, ..., 0]
    np.testing.assert_array_equal(rows[:, 0], np.arange(y, y + 96))
    np.testing.assert_array_equal(columns[0], np.arange(x, x + 96))


def test_a_rotated_and_enlarged_face_gives_the_crop_of_the_upright_one():
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (16, 16)).astype(np.uint8)
    upright = coarse.repeat(16, axis=0).repeat(16, axis=1)[None]
    turned = np.rot90(upright, axes=(1, 2)).repeat(2, axis=1).repeat(2, axis=2)
    landmarks = mean_face_with_mouth_at(128, 157)
    # A quarter turn anticlockwise: (x, y) goes to (y, 255 - x); then twice the size.
    x, y = landmarks[..., 0], landmarks[..., 1]
    moved = 2 * np.stack([y, 255 - x], axis=-1) + 0.5
    difference = crop_mouths(turned, moved).astype(int) - crop_mouths(upright, landmarks)
    assert np.abs(difference).max() <= 1
