"""Finds dlib's model of 68 landmarks, and reads its file without dlib.

The file holds a shape predictor as `dlib::serialize` writes it (dlib, image_processing/
shape_predictor.h, version 1). An integer is a byte with sign and length, then its bytes, lowest
first; a real number is two integers, mantissa and exponent of two.
"""

import importlib
import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int32, Int64

INSTALL = "pip install 'avsync[dlib-noncommercial]'"

MODEL_PACKAGE = "face_recognition_models"
MODEL_FILE = "models/shape_predictor_68_face_landmarks.dat"

NUM_COORDINATES = 2 * 68

# A tree of four levels compares 15 pairs of pixels, and ends in one of 16 leaves.
NUM_SPLITS, NUM_LEAVES = 15, 16

# The coordinates of a leaf start with the integers -136 and -1: a column of 136 numbers.
LEAF_HEADER = bytes([0x81, NUM_COORDINATES, 0x81, 1])

# Leaves read in parallel, so that their working set fits the cache.
NUM_LANES = 16_384


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
    # Nearly all of the file is leaves, a hundred million bytes that take a minute to read one by
    # one. They are located by their header and read in parallel. Each leaf ends where the next one
    # starts, which proves that nothing else looked like a header.
    starts = np.array([m.start() for m in re.finditer(re.escape(LEAF_HEADER), data)], np.int64)
    leaf_starts = starts[starts >= reader.position]
    _expect(len(leaf_starts) == num_stages * num_trees * NUM_LEAVES)
    lanes = _Lanes(data)
    leaves, leaf_ends = lanes.leaves(leaf_starts + len(LEAF_HEADER))
    tree_ends = leaf_ends.reshape(-1, NUM_LEAVES)
    _expect((tree_ends[:, :-1] == leaf_starts.reshape(-1, NUM_LEAVES)[:, 1:]).all())
    tree_starts = np.concatenate([[reader.position], tree_ends[:-1, -1]])
    later_stages = np.arange(num_trees, len(tree_starts), num_trees)
    sizes, tree_starts[later_stages] = lanes.integers(tree_starts[later_stages])
    _expect((sizes == num_trees).all())
    splits, split_ends = lanes.splits(tree_starts)
    _expect((split_ends == leaf_starts[::NUM_LEAVES]).all())
    reader.position = int(tree_ends[-1, -1])
    anchors = reader.table(num_stages, reader.integers)
    offsets = reader.table(num_stages, lambda size: reader.floats(2 * size))
    _expect(reader.position == len(data))
    first, second, threshold = (part.reshape(num_stages, num_trees, NUM_SPLITS) for part in splits)
    return TreeModel(
        mean_face=mean_face,
        anchors=anchors.astype(np.int32),
        offsets=offsets.reshape(*anchors.shape, 2),
        first=first,
        second=second,
        threshold=threshold,
        leaves=leaves.reshape(num_stages, num_trees, NUM_LEAVES, NUM_COORDINATES),
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


class _Lanes:
    """Reads numbers of one kind at many positions of the file at once."""

    def __init__(self, data: bytes):
        # The 8 bytes from each position on: all numbers but the last few are shorter.
        self._words = np.ndarray((len(data) - 7,), "<u8", data, strides=(1,))

    def integers(self, at: Int64[np.ndarray, " n"]) -> tuple[Int64[np.ndarray, " n"], np.ndarray]:
        """Returns the non-negative integers at these positions, and where they end."""
        words = self._words[at]
        lengths = words & 0x0F
        return ((words >> 8) & _ones(lengths)).astype(np.int64), at + 1 + lengths.astype(np.int64)

    def floats(self, at: Int64[np.ndarray, " n"]) -> tuple[Float32[np.ndarray, " n"], np.ndarray]:
        """Returns the real numbers at these positions, and where they end."""
        words = self._words[at]
        lengths = words & 0x0F
        mantissas = ((words >> 8) & _ones(lengths)).astype(np.float32)
        np.negative(mantissas, out=mantissas, where=(words & 0x80).astype(bool))
        # The exponent of a 32-bit number is always one byte.
        rest = words >> (8 + 8 * lengths)
        exponents = ((rest >> 8) & 0xFF).astype(np.int32)
        np.negative(exponents, out=exponents, where=(rest & 0x80).astype(bool))
        return np.ldexp(mantissas, exponents), at + 3 + lengths.astype(np.int64)

    def leaves(
        self, at: Int64[np.ndarray, " n"]
    ) -> tuple[Float32[np.ndarray, "n k"], Int64[np.ndarray, " n"]]:
        """Returns the coordinates of the leaves at these positions, and where they end."""
        leaves, ends = np.empty((len(at), NUM_COORDINATES), np.float32), at.copy()
        for first in range(0, len(at), NUM_LANES):
            lanes = slice(first, first + NUM_LANES)
            for coordinate in range(NUM_COORDINATES):
                leaves[lanes, coordinate], ends[lanes] = self.floats(ends[lanes])
        return leaves, ends

    def splits(self, at: Int64[np.ndarray, " n"]) -> tuple[list[np.ndarray], np.ndarray]:
        """Returns two pixels and a threshold for each split of these trees, and where leaves start.

        The stored numbers of splits and leaves must be those of full trees.
        """
        num_splits, at = self.integers(at)
        _expect((num_splits == NUM_SPLITS).all())
        columns = []
        for _ in range(NUM_SPLITS):
            first, at = self.integers(at)
            second, at = self.integers(at)
            threshold, at = self.floats(at)
            columns.append((first.astype(np.int32), second.astype(np.int32), threshold))
        num_leaves, at = self.integers(at)
        _expect((num_leaves == NUM_LEAVES).all())
        return [np.stack(part, axis=1) for part in zip(*columns, strict=True)], at


def _ones(num_bytes: np.ndarray) -> np.ndarray:
    """Masks with the lowest `num_bytes` bytes set."""
    return (np.uint64(1) << (8 * num_bytes)) - np.uint64(1)


def _expect(condition: object) -> None:
    if not condition:
        raise ValueError("unexpected content")
