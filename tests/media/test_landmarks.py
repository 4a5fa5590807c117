"""Landmarks computed for many faces at once equal dlib's."""

from pathlib import Path

import numpy as np
import pytest

from avsync.media.landmarks import dlib68, trees68
from avsync.media.landmarks._dlib_model import model_path, read_model
from tests.media.whole_files import decode


@pytest.fixture(scope="module")
def frames(testdata: Path) -> np.ndarray:
    return decode(testdata / "grid_s1" / "video" / "bbaf2n.mkv").frames[::15]


@pytest.fixture(scope="module")
def ours() -> trees68.Detector:
    return trees68.Detector()


@pytest.fixture(scope="module")
def dlibs() -> dlib68.Detector:
    return dlib68.Detector()


@pytest.mark.grid
def test_landmarks_equal_dlibs_to_the_pixel_wherever_the_box_lies(frames, ours, dlibs):
    faces = dlibs.boxes(frames[0])
    assert faces.shape == (1, 4)
    rng = np.random.default_rng(0)
    shifted = faces + np.round(rng.normal(0, 12, (len(frames) - 1, 4)))
    outside = [[-60.0, 80.0, 180.0, 320.0]]  # of 360 x 288 pixels
    boxes = np.concatenate([faces, shifted, outside])
    seen = [*frames, frames[0]]
    expected = dlibs.landmarks(seen, boxes)
    np.testing.assert_array_equal(ours.landmarks(seen, boxes), expected)


@pytest.mark.grid
def test_the_mouth_is_found_in_the_dark_where_it_is_in_the_light(frames, ours, dlibs):
    boxes = np.concatenate([ours.boxes(frame) for frame in frames])
    light, dark = (dlibs.landmarks(list(f), boxes)[:, 48:] for f in (frames, frames // 4))
    seen = ours.landmarks(list(frames // 4), boxes)[:, 48:]
    error, dlibs_error = (np.abs((x - light).mean(axis=1)).mean() for x in (seen, dark))
    assert error < 0.5 < dlibs_error


@pytest.mark.grid
def test_faces_are_detected_in_frames_of_any_size(frames, ours):
    (box,) = ours.boxes(frames[0])
    large = frames[0].repeat(3, axis=0).repeat(3, axis=1)
    (found,) = ours.boxes(large)
    np.testing.assert_allclose(found, 3 * box, atol=0.1 * 3 * (box[2] - box[0]))
    small = frames[0][::2, ::2]
    (found,) = ours.boxes(small)
    np.testing.assert_allclose(found, box / 2, atol=0.1 * (box[2] - box[0]))


def test_a_file_that_is_not_a_model_is_refused(tmp_path):
    whole = model_path("trees68").read_bytes()
    for name, content in {"other": b"no model", "cut": whole[:1_000_000]}.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(ValueError, match=f"{name} is not dlib's predictor of 68 landmarks"):
            read_model(path)
