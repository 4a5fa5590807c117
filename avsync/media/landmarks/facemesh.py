"""MediaPipe's faces once a second, and its face mesh in every frame: free for any use.

Faces by BlazeFace (Bazarevsky et al., 2019), 468 points by the face mesh (Kartynnik et al., 2019),
both licensed under Apache-2.0. The 68 points of iBUG 300-W are made of those points, so that crops
are those of AV-HuBERT.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Complex, Float64, UInt8

from avsync.media.landmarks._blazeface import BlazeFace
from avsync.media.landmarks._contrast import grey_range
from avsync.media.landmarks._mediapipe import Network, Square
from avsync.media.landmarks._mesh_points import LEFT_EYE, RIGHT_EYE, to_68_points

MODEL = "face_landmark.tflite"

# The mesh is read off a square this many times as large as the face, as in MediaPipe.
CONTEXT = 1.5

# A face is looked at again, where it was found, if the first look was turned or off by more than
# this. The mesh moves by 1 % of the distance between the eyes if the square does by any small
# amount, by 1.5 % if it is turned by 10 degrees or moved by a tenth, and by 4.5 % at 20 degrees.
MAX_ROLL = np.radians(10)
MAX_SHIFT = 0.1  # of the side of the face
MAX_GROWTH = 1.2

# Grey levels of a face span at least this range, or are stretched: at an eighth of its light, the
# mouth of a GRID talker is found 1.2 pixels from where it is in full light, and 0.35 if stretched.
MIN_CONTRAST = 150


class Detector:
    """Detects faces of any pose up to a profile, from a twentieth of the frame's longer side on."""

    # See `trees68`: faces are followed between.
    detect_every = 25

    def __init__(self) -> None:
        self._find = BlazeFace(detector="facemesh")
        self._mesh = _FaceMesh()
        # Compiles now if necessary: clips have limits of time and memory.
        self.landmarks([np.zeros((9, 9), np.uint8)], np.array([[0.0, 0.0, 8.0, 8.0]]))

    def boxes(self, frame: UInt8[np.ndarray, "h w"]) -> Float64[np.ndarray, "n 4"]:
        """Returns the faces of a grey frame as (left, top, right, bottom) in pixels.

        A box is the extent of the mesh, from the forehead to the chin.
        """
        boxes = [_extent(self._mesh(frame, face)) for face in self._find(frame)]
        return np.array(boxes, np.float64).reshape(-1, 4)

    def landmarks(
        self, frames: Sequence[UInt8[np.ndarray, "h w"]], boxes: Float64[np.ndarray, "n 4"]
    ) -> Float64[np.ndarray, "n 68 2"]:
        """Returns the points (x, y) of the face in each frame's box, in fractions of pixels."""
        meshes = [self._look(*pair) for pair in zip(frames, boxes, strict=True)]
        return to_68_points(np.stack(meshes))

    def _look(
        self, frame: UInt8[np.ndarray, "h w"], box: Float64[np.ndarray, "4"]
    ) -> Complex[np.ndarray, "468"]:
        left, top, right, bottom = box.tolist()
        face = Square((left + right) / 2 + (top + bottom) / 2 * 1j, max(right - left, bottom - top))
        mesh = self._mesh(frame, face)
        found = _square(mesh)
        is_off = (
            abs(found.roll) > MAX_ROLL
            or abs(found.centre - face.centre) > MAX_SHIFT * face.side
            or not 1 / MAX_GROWTH < found.side / max(face.side, 1.0) < MAX_GROWTH
        )
        return self._mesh(frame, found) if is_off else mesh


class _FaceMesh:
    """The 468 points of a face, as x + iy in pixels of the frame."""

    def __init__(self) -> None:
        self._network = Network(MODEL, detector="facemesh")

    def __call__(self, frame: UInt8[np.ndarray, "h w"], face: Square) -> Complex[np.ndarray, "468"]:
        square = face._replace(side=CONTEXT * max(face.side, 1.0))
        corner = (1 + 1j) * face.side / 2
        ends = (face.centre - corner, face.centre + corner)
        box = np.array([part for end in ends for part in (end.real, end.imag)])
        darkest, brightest = grey_range(frame, box) or (0, MIN_CONTRAST)
        gain = max(1.0, MIN_CONTRAST / (brightest - darkest))
        # Only what is stretched is shifted, from its darkest level up.
        shift = -darkest * (gain - 1) / 255
        points, _ = self._network(frame, square, scale=gain / 255, shift=shift)
        x, y, _ = points.reshape(-1, 3).T.astype(np.float64)
        return self._network.in_frame(x + 1j * y, square)


def _square(mesh: Complex[np.ndarray, "468"]) -> Square:
    """The face of a mesh, turned as its eyes are."""
    roll = float(np.angle(mesh[LEFT_EYE] - mesh[RIGHT_EYE]))
    turn = complex(np.exp(1j * roll))
    left, top, right, bottom = _extent(mesh / turn)
    centre = ((left + right) / 2 + (top + bottom) / 2 * 1j) * turn
    return Square(centre, max(right - left, bottom - top), roll)


def _extent(mesh: Complex[np.ndarray, "468"]) -> tuple[float, float, float, float]:
    """Left, top, right, bottom."""
    x, y = np.real(mesh), np.imag(mesh)
    ends = (x.min(), y.min(), x.max(), y.max())
    return ends[0].item(), ends[1].item(), ends[2].item(), ends[3].item()
