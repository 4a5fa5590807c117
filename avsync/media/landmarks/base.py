"""What a detector can do: see faces in a frame, and place the 68 landmarks of a face."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float64, UInt8

from avsync import lookup


@runtime_checkable
class FaceDetector(Protocol):
    """A plug-in of `avsync.media.landmarks` is a module whose class `Detector` is one of these.

    Its constructor takes no argument and raises ValueError, naming what to install, where a
    package or a model is missing. It keeps nothing from frame to frame.

    Attributes:
      detect_every: faces are searched for in every so many frames, and in all those between where
        it is not sure that they are still there.
    """

    detect_every: int

    def boxes(self, frame: UInt8[np.ndarray, "h w"]) -> Float64[np.ndarray, "n 4"]:
        """The faces of a grey frame as (left, top, right, bottom) in pixels, in any order."""
        ...

    def landmarks(
        self, frames: Sequence[UInt8[np.ndarray, "h w"]], boxes: Float64[np.ndarray, "n 4"]
    ) -> Float64[np.ndarray, "n 68 2"]:
        """The points (x, y) of the face in each frame's box, numbered as in iBUG 300-W; always an
        answer. A frame with several faces comes several times."""
        ...


def load_detector(name: str) -> FaceDetector:
    """The detector of that name; ValueError lists the known ones, or says what to install."""
    return lookup.load("media.landmarks", name).Detector()
