"""dlib: frontal faces by histograms of gradients, 68 points by regression trees.

Detector after Dalal and Triggs (2005) and King (2015), landmarks after Kazemi and Sullivan (2014),
trained on iBUG 300-W. The model is a file of the PyPI package face_recognition_models.
"""

import importlib
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64, UInt8

MODEL_PACKAGE = "face_recognition_models"
MODEL_FILE = "models/shape_predictor_68_face_landmarks.dat"

# The detector sees faces from 80 pixels on and its time grows with the picture. A talking head
# fills a good third of the shorter side; at 288 pixels (GRID's own size) that is about 100.
SEARCHED_PIXELS = 288

# Up to here a picture in which nothing was found is searched once more at twice its size, for
# faces from 40 pixels on. Beyond, that would take longer than all the rest.
ENLARGED_PIXELS = 576


class Detector:
    """The faces that look about straight into the camera, from a 9th of the picture's height."""

    def __init__(self) -> None:
        try:
            # Not part of a plain installation, and needed by nobody else.
            dlib: Any = importlib.import_module("dlib")
        except ImportError as error:
            raise ValueError(f"detector dlib68 needs the package dlib: {_INSTALL}") from error
        self._dlib = dlib
        self._detect = dlib.get_frontal_face_detector()
        self._predict = dlib.shape_predictor(str(_model_path()))

    def boxes(self, frame: UInt8[np.ndarray, "h w"]) -> Float64[np.ndarray, "n 4"]:
        """The faces of a grey frame as (left, top, right, bottom) in pixels."""
        shorter = min(frame.shape)
        shrink = max(1, shorter // SEARCHED_PIXELS)
        found = self._detect(_shrunk(frame, shrink), 0)
        if not found and shrink > 1:
            shrink = 1
            found = self._detect(frame, 0)
        if not found and shorter <= ENLARGED_PIXELS:
            found = self._detect(frame, 1)
        boxes = [(face.left(), face.top(), face.right(), face.bottom()) for face in found]
        return np.array(boxes, np.float64).reshape(-1, 4) * shrink

    def landmarks(
        self, frame: UInt8[np.ndarray, "h w"], box: Float64[np.ndarray, "4"]
    ) -> Float64[np.ndarray, "68 2"]:
        """The points (x, y) of the face in `box`, in whole pixels."""
        shape = self._predict(frame, self._dlib.rectangle(*(round(edge) for edge in box)))
        return np.array([(point.x, point.y) for point in shape.parts()], np.float64)


_INSTALL = "pip install 'avsync[prepare]'"


def _model_path() -> Path:
    # Looked up, not imported: importing that package fails without setuptools' pkg_resources.
    spec = importlib.util.find_spec(MODEL_PACKAGE)
    folders = spec.submodule_search_locations if spec else None
    for folder in folders or ():
        if (path := Path(folder) / MODEL_FILE).is_file():
            return path
    raise ValueError(f"detector dlib68 needs the package {MODEL_PACKAGE}: {_INSTALL}")


def _shrunk(frame: UInt8[np.ndarray, "h w"], factor: int) -> UInt8[np.ndarray, "_ _"]:
    """`frame` at 1/`factor` of its size, each pixel the mean of those it replaces."""
    if factor == 1:
        return frame
    height, width = (size // factor for size in frame.shape)
    tiles = frame[: height * factor, : width * factor].reshape(height, factor, width, factor)
    return tiles.mean(axis=(1, 3)).astype(np.uint8)
