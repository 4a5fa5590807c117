"""dlib's faces once a second, and its 68 landmarks in every frame, for many frames at once.

The models are those of `dlib68`. The landmarks equal dlib's to the pixel, except in the dark.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64, UInt8

from avsync.media.landmarks._dlib_model import load_dlib, model_path, read_model
from avsync.media.landmarks._trees import place_landmarks

# The detector finds faces from 80 pixels on, and its time grows with the frame size. A talking head
# fills over a third of the shorter side: about 100 pixels at 288 (GRID's own size).
SEARCHED_PIXELS = 288

# Up to this size, a frame without detections is searched again at twice its size, for faces from 40
# pixels on. For larger frames, that would take longer than everything else.
ENLARGED_PIXELS = 576


class Detector:
    """Detects roughly frontal faces from a ninth of the frame's height on."""

    # On GRID, this moves the centre of the mouth by 0.05 pixels (faces are 125 pixels wide) against
    # detection in every frame.
    detect_every = 25

    def __init__(self) -> None:
        self._detect = load_dlib("trees68").get_frontal_face_detector()
        self._model = read_model(model_path("trees68"))
        # Compiles now if necessary: clips have limits of time and memory.
        place_landmarks(self._model, [np.zeros((9, 9), np.uint8)], np.array([[0.0, 0.0, 8.0, 8.0]]))

    def boxes(self, frame: UInt8[np.ndarray, "h w"]) -> Float64[np.ndarray, "n 4"]:
        """Returns the faces of a grey frame as (left, top, right, bottom) in pixels."""
        frame = np.ascontiguousarray(frame)  # dlib assumes it
        shorter = min(frame.shape)
        shrink = max(1, shorter // SEARCHED_PIXELS)
        faces = self._detect(_shrunk(frame, shrink), 0)
        if not faces and shrink > 1:
            shrink = 1
            faces = self._detect(frame, 0)
        if not faces and shorter <= ENLARGED_PIXELS:
            faces = self._detect(frame, 1)
        boxes = [(face.left(), face.top(), face.right(), face.bottom()) for face in faces]
        return np.array(boxes, np.float64).reshape(-1, 4) * shrink

    def landmarks(
        self, frames: Sequence[UInt8[np.ndarray, "h w"]], boxes: Float64[np.ndarray, "n 4"]
    ) -> Float64[np.ndarray, "n 68 2"]:
        """Returns the points (x, y) of the face in each frame's box, in whole pixels."""
        return place_landmarks(self._model, frames, boxes)


def _shrunk(frame: UInt8[np.ndarray, "h w"], factor: int) -> UInt8[np.ndarray, "_ _"]:
    """Shrinks `frame` by `factor`; each pixel is the mean of those it replaces."""
    if factor == 1:
        return frame
    height, width = (size // factor for size in frame.shape)
    tiles = frame[: height * factor, : width * factor].reshape(height, factor, width, factor)
    return tiles.mean(axis=(1, 3)).astype(np.uint8)
