"""The interface of detectors: faces of a frame, and the 68 landmarks of a face."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float64, UInt8

from avsync import lookup


@runtime_checkable
class FaceDetector(Protocol):
    """The class `Detector` of each plug-in in `avsync.media.landmarks`.

    The constructor takes no argument. It raises ValueError that names what to install if a package
    or a model is missing. A detector keeps no state between frames, and one thread may call `boxes`
    while another one calls `landmarks`.

    Attributes:
      detect_every: interval in frames at which faces are detected; between, they are detected only
        where it is uncertain that they are still there.
    """

    detect_every: int

    def boxes(self, frame: UInt8[np.ndarray, "h w"]) -> Float64[np.ndarray, "n 4"]:
        """Returns the faces of a grey frame as (left, top, right, bottom), in pixels, unordered."""
        ...

    def landmarks(
        self, frames: Sequence[UInt8[np.ndarray, "h w"]], boxes: Float64[np.ndarray, "n 4"]
    ) -> Float64[np.ndarray, "n 68 2"]:
        """Returns the points (x, y) of the face in each frame's box, numbered as in iBUG 300-W.

        A frame with several faces is passed several times. There is always an answer.
        """
        ...


def load_detector(name: str) -> FaceDetector:
    """Returns the named detector; ValueError lists the known ones, or says what to install."""
    return lookup.load("media.landmarks", name).Detector()
