"""The mouth crops are those of the reference, and behave at the edges."""

from pathlib import Path

import numpy as np
import pytest

from avsync.prepare.mouth_crop import crop_mouths, fill_missing


def grey(frames_bgr: np.ndarray) -> np.ndarray:
    """OpenCV's grey of 8-bit blue, green, red: exact integers."""
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
