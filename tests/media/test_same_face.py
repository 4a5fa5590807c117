"""The same face is recognised over a jolt, other light and noise; another talker's is not."""

import itertools

import av
import numpy as np
import pytest

from avsync.media.landmarks.base import load_detector
from avsync.media.same_face import is_same_face, likeness

pytestmark = pytest.mark.grid


def frame(path, index: int) -> np.ndarray:
    with av.open(str(path)) as container:
        frames = itertools.islice(container.decode(video=0), index, None)
        return next(frames).to_ndarray(format="gray")


@pytest.fixture(scope="module")
def points_of():
    detector = load_detector("trees68")
    return lambda image: detector.landmarks([image], detector.boxes(image)[:1])[0]


CHANGES = {
    "later": lambda image: image,
    "jolt": lambda image: np.roll(image, (16, -16), axis=(0, 1)),
    "brighter": lambda image: np.clip(1.6 * image, 0, 255).astype(np.uint8),
    "darker": lambda image: (0.3 * image).astype(np.uint8),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_face_is_the_same_after_a_change_of_the_picture(name, testdata, points_of):
    path = testdata / "grid_s1" / "video" / "bbaf2n.mkv"
    before, after = frame(path, 30), CHANGES[name](frame(path, 33))
    assert is_same_face(before, after, landmarks=(points_of(before), points_of(after)))


def test_other_talkers_in_the_same_studio_have_other_faces(testdata, points_of):
    names = ("brbk7n", "lbax4n", "lwbsza", "pwij3p")
    images = [frame(testdata / "grid_speakers" / f"{name}.mpg", 30) for name in names]
    for before, after in itertools.permutations(images, 2):
        assert not is_same_face(before, after, landmarks=(points_of(before), points_of(after)))


def test_a_picture_is_like_itself(testdata, points_of):
    image = frame(testdata / "grid_s1" / "video" / "bbaf2n.mkv", 30)
    points = points_of(image)
    correlation, distance = likeness(image, image, landmarks=(points, points))
    assert (round(correlation, 5), distance) == (1, 0)
