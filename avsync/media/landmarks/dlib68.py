"""dlib as AV-HuBERT's preprocessing calls it: each frame searched at twice its size.

It gives crops like those that published features were made from; `trees68` gives the same landmarks
in a twentieth of the time. Frontal faces by histograms of gradients (Dalal and Triggs, 2005; King,
2015), 68 points by regression trees (Kazemi and Sullivan, 2014) trained on iBUG 300-W.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64, UInt8

from avsync.media.landmarks._dlib_model import load_dlib, model_path

# The image pyramid starts at 2 ** 1 times the frame size, for faces from 40 pixels on.
DOUBLINGS = 1


class Detector:
    """Detects roughly frontal faces from 40 pixels on."""

    detect_every = 1

    def __init__(self) -> None:
        self._dlib = load_dlib("dlib68")
        self._detect = self._dlib.get_frontal_face_detector()
        self._predict = self._dlib.shape_predictor(str(model_path("dlib68")))

    def boxes(self, frame: UInt8[np.ndarray, "h w"]) -> Float64[np.ndarray, "n 4"]:
        """Returns the faces of a grey frame as (left, top, right, bottom) in pixels."""
        faces = self._detect(np.ascontiguousarray(frame), DOUBLINGS)
        boxes = [(face.left(), face.top(), face.right(), face.bottom()) for face in faces]
        return np.array(boxes, np.float64).reshape(-1, 4)

    def landmarks(
        self, frames: Sequence[UInt8[np.ndarray, "h w"]], boxes: Float64[np.ndarray, "n 4"]
    ) -> Float64[np.ndarray, "n 68 2"]:
        """Returns the points (x, y) of the face in each frame's box, in whole pixels."""
        points = np.empty((len(frames), 68, 2))
        for i, (frame, box) in enumerate(zip(frames, boxes, strict=True)):
            shape = self._predict(frame, self._dlib.rectangle(*(round(edge) for edge in box)))
            points[i] = [(point.x, point.y) for point in shape.parts()]
        return points
