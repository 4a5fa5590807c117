"""SyncNet's face crop: where it lies, how it is smoothed, resized and padded."""

import numpy as np
import pytest
from scipy.signal import medfilt

from avsync.media.face_crop import FacePath, colour_frames, crop_face, face_path
from avsync.media.rejects import Reject

# Cheeks at 10 and 70, eyebrows at 40, chin at 140: the forehead is 31.6 high, the box 131.6.
OUTLINE = (10.0, 40.0, 70.0, 140.0)


def path_of(x: float, y: float, half: float) -> FacePath:
    return FacePath(*(np.array([value]) for value in (x, y, half)))


def test_the_box_of_a_face_includes_its_forehead():
    path = face_path(np.tile(np.array(OUTLINE, np.float32), (20, 1)))
    assert path.half[9] == pytest.approx(65.8)
    assert path.y[9] == pytest.approx(140 - 65.8)
    assert path.x[9] == pytest.approx(40)


def test_a_box_wider_than_high_is_measured_by_its_width():
    path = face_path(np.tile(np.array((0, 40, 200, 140), np.float32), (20, 1)))
    assert path.half[9] == 100


def test_a_box_that_jumps_for_a_moment_is_smoothed_and_one_that_stays_is_not():
    outlines = np.tile(np.array(OUTLINE, np.float32), (40, 1))
    outlines[10:16, [0, 2]] += 30
    outlines[25:, [0, 2]] += 30
    x = face_path(outlines).x
    assert (x[7:25] == 40).all()
    assert (x[25:33] == 70).all()


def test_beyond_the_ends_the_median_sees_zeros():
    outlines = np.zeros((20, 4), np.float32)
    outlines[:, 2] = 2 * np.arange(100, 120)
    x = face_path(outlines).x
    assert x[[0, 1, 6, 13, 18, 19]].tolist() == [100, 101, 106, 113, 113, 113]


@pytest.mark.parametrize("num_frames", [1, 12, 40])
def test_the_median_is_that_of_the_published_script(num_frames):
    outlines = np.random.default_rng(0).uniform(20, 80, (num_frames, 4)).astype(np.float32)
    left, _, right, _ = outlines.astype(float).T
    padded = np.pad((left + right) / 2, 13)  # scipy warns if there are fewer than 13 values
    assert (face_path(outlines).x == medfilt(padded, 13)[13:-13]).all()


def test_a_face_of_80_pixels_is_cropped_pixel_for_pixel():
    """The crop is 2.8 half sizes wide: 80 pixels to each side of the centre, from its top down."""
    rows, columns = np.indices((400, 400))
    frame = np.stack([rows // 2, columns // 2, rows % 256], axis=-1).astype(np.uint8)
    crop = crop_face(frame, path_of(200.5, 190.5, 80.0), index=0)
    assert crop.shape == (224, 224, 3)
    np.testing.assert_array_equal(crop, frame[110:334, 88:312])


def test_pixels_outside_the_frame_are_grey():
    frame = np.full((100, 100, 3), 200, np.uint8)
    crop = crop_face(frame, path_of(0.5, 100.5, 80.0), index=0)
    # Row 79 of the crop is row 99 of the frame, column 112 is column 0.
    assert (crop[:80, 112:212] == 200).all()
    assert (crop[80:] == 110).all()
    assert (crop[:, :112] == 110).all()


@pytest.mark.parametrize(
    ("half", "places", "expected"),
    [
        # OpenCV 5.0's resize of the same rectangle, at nine places.
        (40.0, (0, 111, 223), [[93, 221, 122], [119, 205, 105], [176, 76, 90]]),
        (120.0, (0, 111, 223), [[153, 83, 167], [125, 91, 77], [139, 170, 80]]),
    ],
)
def test_a_larger_or_smaller_face_is_resized_as_by_opencv(half, places, expected):
    frame = np.random.default_rng(0).integers(0, 256, (500, 500, 3), np.uint8)
    crop = crop_face(frame, path_of(250.0, 250.0, half), index=0)
    ours = crop[np.ix_(places, places)][..., 1].astype(int)
    np.testing.assert_allclose(ours, expected, atol=1)


def test_colour_frames_are_those_of_the_grid_of_25_fps(write_media):
    greys = np.arange(0, 250, 10, np.uint8)
    frames = np.tile(greys[:, None, None], (1, 32, 48))
    times = 3 + np.arange(25) / 12.5
    video = write_media(frames=frames, times=times, sound=[(3.0, np.zeros((1, 16_000)))])
    found = list(colour_frames(video, first=3, end=8))
    # At 12.5 fps each frame is shown twice.
    assert [frame[0, 0].tolist() for frame in found] == [[g] * 3 for g in (20, 20, 30, 30, 40)]
    assert found[0].shape == (32, 48, 3)
    assert len(list(colour_frames(video, first=48, end=99))) == 2


def test_a_missing_file_is_rejected(tmp_path):
    with pytest.raises(Reject, match="missing_file"):
        next(colour_frames(tmp_path / "none.mp4", first=0, end=1))
