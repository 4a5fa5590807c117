"""The description of the crops: true to the code, and enough to make the same crops."""

import json

import numpy as np
import pytest

from avsync import units
from avsync.exporting import crops
from avsync.media import mono_audio, mouth_crop
from avsync.media.landmarks import facemesh


def test_the_numbers_are_those_of_the_code():
    found = json.loads(json.dumps(crops.describe()))
    assert found["frames"]["frames_per_second"] == units.FRAMES_PER_SECOND
    assert found["sound"]["samples_per_second"] == units.SAMPLE_RATE
    assert mono_audio.RESAMPLER_QUALITY in found["sound"]["resampler"]
    alignment, crop = found["alignment"], found["crop"]
    assert alignment["stable_points"] == list(mouth_crop.STABLE_POINTS)
    np.testing.assert_array_equal(alignment["mean_face"], mouth_crop.MEAN_FACE)
    assert alignment["canvas_pixels"] == mouth_crop.CANVAS_PIXELS == 256
    assert alignment["smoothing_frames"] == mouth_crop.SMOOTHING_FRAMES == 12
    assert (crop["pixels"], crop["centre_points"], crop["centre_range"]) == (
        96,
        [48, 68],
        [48, 208],
    )
    assert crop["model_sees"] == [4, 92]
    assert facemesh.MODEL in found["landmarks"]["model"]
    assert len(found["landmarks"]["points_of_mesh"]) == 68


def moving_face(num_frames: int) -> np.ndarray:
    """Landmarks [t 68 2] of a face that turns, grows and moves in a frame of 120 x 160 pixels."""
    random = np.random.default_rng(3)
    face = random.uniform(0, 40, (68, 2))
    stable = list(mouth_crop.STABLE_POINTS)
    face[stable] = (mouth_crop.MEAN_FACE - mouth_crop.MEAN_FACE.mean(axis=0)) / 4 + 40
    face[48:68] = face[48:68] / 4 + (35, 55)
    time = np.arange(num_frames)
    shift = np.stack([15 + time, 12 - 0.5 * time], axis=-1)[:, None]
    scale = 1 + 0.01 * time[:, None, None]
    return face * scale + shift + random.normal(size=(num_frames, 68, 2))


@pytest.mark.parametrize("num_frames", [5, 15])
def test_crops_can_be_made_of_frames_and_landmarks_by_the_description_alone(num_frames):
    frames = np.random.default_rng(0).integers(0, 256, (num_frames, 120, 160)).astype(np.uint8)
    landmarks = moving_face(num_frames)
    found = mouth_crop.crop_mouths(frames, landmarks)
    expected = np.stack([_crop(frames, landmarks, i) for i in range(num_frames)])
    assert found.std() > 20
    # Sums in another order, then truncated.
    assert (found[..., 0] != expected).mean() < 1e-3
    assert np.abs(found[..., 0] - expected.astype(int)).max() <= 1


def _crop(frames: np.ndarray, landmarks: np.ndarray, index: int) -> np.ndarray:
    """One crop, from `crops.describe()`, by matrices instead of complex numbers."""
    alignment, crop = (crops.describe()[name] for name in ("alignment", "crop"))
    window = min(alignment["smoothing_frames"], len(landmarks))
    start = min(index, len(landmarks) - window)
    points = landmarks[start : start + window, alignment["stable_points"]].mean(axis=0)
    target = np.array(alignment["mean_face"])
    # [x -y 1 0; y x 0 1] (a b c d)^T are the coordinates of the aligned points.
    (x, y), one, zero = points.T, np.ones(5), np.zeros(5)
    system = np.concatenate([np.stack([x, -y, one, zero], 1), np.stack([y, x, zero, one], 1)])
    a, b, c, d = np.linalg.lstsq(system, target.T.reshape(-1), rcond=None)[0]
    matrix, shift = np.array([[a, -b], [b, a]]), np.array([c, d])
    mouth = landmarks[index, slice(*crop["centre_points"])].mean(axis=0)
    centre = np.clip(matrix @ mouth + shift, *crop["centre_range"])
    first = np.round(centre) - crop["pixels"] // 2
    steps = np.arange(crop["pixels"])
    grid = np.stack(np.meshgrid(first[0] + steps, first[1] + steps), axis=-1)
    column, row = np.moveaxis((grid - shift) @ np.linalg.inv(matrix).T, -1, 0)
    left, top = np.floor(column).astype(int), np.floor(row).astype(int)
    padded = np.pad(frames[index].astype(float), 300)  # zeros outside
    value = sum(
        (1 - abs(row - top - i)) * (1 - abs(column - left - j))
        * padded[top + i + 300, left + j + 300]
        for i in (0, 1) for j in (0, 1)
    )  # fmt: skip
    return (value + 1e-3).astype(np.uint8)
