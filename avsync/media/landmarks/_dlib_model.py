"""Finds dlib's model of 68 landmarks, and reads its file without dlib.

The file holds a shape predictor as `dlib::serialize` writes it (dlib, image_processing/
shape_predictor.h, version 1). An integer is a byte with sign and length, then its bytes, lowest
first; a real number is two integers, mantissa and exponent of two.
"""

import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Float32, Int32
from numba import njit

INSTALL = "pip install 'avsync[prepare]'"

MODEL_PACKAGE = "face_recognition_models"
MODEL_FILE = "models/shape_predictor_68_face_landmarks.dat"

NUM_COORDINATES = 2 * 68

# A tree of four levels compares 15 pairs of pixels, and ends in one of 16 leaves.
NUM_SPLITS, NUM_LEAVES = 15, 16

# A byte with sign and length, and up to 8 of the number.
MAX_INTEGER_BYTES = 9

# 2 to the power of -256 to 255: the exponent of a 32-bit number is one byte and its sign.
POWERS = 2.0 ** np.arange(-256, 256)


class TreeModel(NamedTuple):
    """Stages of regression trees that move a mean face, step by step, to the face in the image.

    Coordinates are x0, y0, x1, y1 … of the points, with the detected box as the unit square.

    mean_face: the initial points of every face.
    anchors, offsets: the pixels that a stage reads: a point of the face, and the offset from it in
      the frame of the mean face.
    first, second, threshold: the splits of each tree as a heap: left if the pixel `first` is
      brighter than the pixel `second` by more than the threshold.
    leaves: the shift that each leaf adds to the face.
    """

    mean_face: Float32[np.ndarray, " k"]
    anchors: Int32[np.ndarray, "stage pixel"]
    offsets: Float32[np.ndarray, "stage pixel 2"]
    first: Int32[np.ndarray, "stage tree split"]
    second: Int32[np.ndarray, "stage tree split"]
    threshold: Float32[np.ndarray, "stage tree split"]
    leaves: Float32[np.ndarray, "stage tree leaf k"]


def load_dlib(detector: str) -> ModuleType:
    """Imports dlib for the named detector; ValueError says what to install."""
    try:
        # Not part of a plain installation.
        return importlib.import_module("dlib")
    except ImportError as error:
        raise ValueError(f"detector {detector} needs the package dlib: {INSTALL}") from error


def model_path(detector: str) -> Path:
    """Returns the model file for the named detector; ValueError says what to install."""
    # Not imported: importing the package fails without setuptools' pkg_resources.
    spec = importlib.util.find_spec(MODEL_PACKAGE)
    folders = spec.submodule_search_locations if spec else None
    for folder in folders or ():
        if (path := Path(folder) / MODEL_FILE).is_file():
            return path
    raise ValueError(f"detector {detector} needs the package {MODEL_PACKAGE}: {INSTALL}")


def read_model(path: Path) -> TreeModel:
    """Reads the model exactly; ValueError if the file is not a predictor of 68 points."""
    data = path.read_bytes()
    try:
        return _parse(data)
    except (IndexError, ValueError) as error:
        raise ValueError(
            f"{path} is not dlib's predictor of 68 landmarks, version 1; reinstall the package: "
            f"{INSTALL}"
        ) from error


def _parse(data: bytes) -> TreeModel:
    reader = _Reader(data)
    _expect(reader.integer() == 1)  # the version
    _expect((reader.integer(), reader.integer()) == (-NUM_COORDINATES, -1))
    mean_face = reader.floats(NUM_COORDINATES)
    num_stages, num_trees = reader.integer(), reader.integer()
    shape = (num_stages, num_trees, NUM_SPLITS)
    first, second = np.empty(shape, np.int32), np.empty(shape, np.int32)
    threshold = np.empty(shape, np.float32)
    leaves = np.empty((num_stages, num_trees, NUM_LEAVES, NUM_COORDINATES), np.float32)
    # Nearly all of the file: ten million numbers.
    trees = (first, second, threshold, leaves)
    end = int(_read_trees(np.frombuffer(data, np.uint8), reader.position, *trees))
    _expect(end > 0)
    reader.position = end
    anchors = reader.table(num_stages, reader.integers)
    offsets = reader.table(num_stages, lambda size: reader.floats(2 * size))
    _expect(reader.position == len(data))
    return TreeModel(
        mean_face=mean_face,
        anchors=anchors.astype(np.int32),
        offsets=offsets.reshape(*anchors.shape, 2),
        first=first,
        second=second,
        threshold=threshold,
        leaves=leaves,
    )


class _Reader:
    """Reads one number after another."""

    def __init__(self, data: bytes):
        self._data = data
        self.position = 0

    def integer(self) -> int:
        head = self._data[self.position]
        end = self.position + 1 + (head & 0x0F)
        size = int.from_bytes(self._data[self.position + 1 : end], "little")
        self.position = end
        return -size if head & 0x80 else size

    def integers(self, count: int) -> np.ndarray:
        return np.array([self.integer() for _ in range(count)])

    def floats(self, count: int) -> Float32[np.ndarray, " n"]:
        pairs = self.integers(2 * count).reshape(count, 2)
        return np.ldexp(pairs[:, 0].astype(np.float32), pairs[:, 1])

    def table(self, num_rows: int, read_row: Callable[[int], np.ndarray]) -> np.ndarray:
        """Reads rows that are each preceded by their length, the same for all."""
        _expect(self.integer() == num_rows)
        rows = [read_row(self.integer()) for _ in range(num_rows)]
        _expect(len({len(row) for row in rows}) == 1)
        return np.stack(rows)


def _expect(condition: object) -> None:
    if not condition:
        raise ValueError("unexpected content")


# Compiled by numba, which knows no type checks.
@njit(cache=True, nogil=True)
@no_type_check
def _integer(data, position):
    """The integer at a position of the file, and where it ends; beyond the file, it is 0."""
    if position + MAX_INTEGER_BYTES >= len(data):
        return np.int64(0), np.int64(len(data))
    head = data[position]
    end = position + 1 + (head & 0x0F)
    value = np.int64(0)
    for i in range(end - 1, position, -1):
        value = value << 8 | np.int64(data[i])
    return (-value if head & 0x80 else value), end


@njit(cache=True, nogil=True)
@no_type_check
def _read_trees(data, position, first, second, threshold, leaves):
    """Fills the splits and leaves of all trees; returns where they end, -1 if they are others."""
    for stage in range(len(first)):
        if stage:  # the first number of trees has been read
            num_trees, position = _integer(data, position)
            if num_trees != first.shape[1]:
                return -1
        for tree in range(first.shape[1]):
            num_splits, position = _integer(data, position)
            if num_splits != NUM_SPLITS:
                return -1
            for split in range(NUM_SPLITS):
                first[stage, tree, split], position = _integer(data, position)
                second[stage, tree, split], position = _integer(data, position)
                mantissa, position = _integer(data, position)
                exponent, position = _integer(data, position)
                threshold[stage, tree, split] = mantissa * POWERS[exponent + 256 & 0x1FF]
            num_leaves, position = _integer(data, position)
            if num_leaves != NUM_LEAVES:
                return -1
            for leaf in range(NUM_LEAVES):
                # The size of the column, as negative numbers.
                rows, position = _integer(data, position)
                columns, position = _integer(data, position)
                if (rows, columns) != (-NUM_COORDINATES, -1):
                    return -1
                for k in range(NUM_COORDINATES):
                    mantissa, position = _integer(data, position)
                    exponent, position = _integer(data, position)
                    leaves[stage, tree, leaf, k] = mantissa * POWERS[exponent + 256 & 0x1FF]
    return position
