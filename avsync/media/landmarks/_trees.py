"""Regression trees for the landmarks of many faces at once (Kazemi and Sullivan, CVPR 2014).

The result equals that of dlib's predictor for each face, to the pixel. dlib spends most of its time
fetching leaves, 4 MB per face: here all faces pass a tree while its leaves are in the cache.
Contrast is enlarged for faces in the dark, which dlib does not do.
"""

from collections.abc import Sequence
from typing import no_type_check

import numpy as np
from jaxtyping import Float64, UInt8
from numba import njit

from avsync.media.landmarks._contrast import grey_range
from avsync.media.landmarks._dlib_model import NUM_SPLITS, TreeModel

# The trees were trained on well-lit faces, whose grey levels span at least this range (2% of the
# pixels left out at either end); GRID's span 109 and more. At a quarter of its light, a GRID mouth
# is found 1.9 pixels from where it is in full light, and 0.3 with the contrast enlarged.
MIN_CONTRAST = 100

# Frames of up to this size in all are copied into one array, which saves a call for each.
MAX_STACKED_BYTES = 32 * 2**20


def place_landmarks(
    model: TreeModel,
    frames: Sequence[UInt8[np.ndarray, "h w"]],
    boxes: Float64[np.ndarray, "n 4"],
) -> Float64[np.ndarray, "n 68 2"]:
    """Returns the points (x, y) of the face in each frame's box, in whole pixels."""
    frames = [np.ascontiguousarray(frame) for frame in frames]
    faces = np.tile(model.mean_face, (len(frames), 1))
    pixels = np.empty((model.anchors.shape[1], len(frames)), np.uint8)
    turns = np.empty((len(frames), 2), np.float32)
    pairs = zip(frames, boxes, strict=True)
    stacks = _stacked(frames)
    gains = np.array([MIN_CONTRAST / _contrast(*pair) for pair in pairs], np.float32).clip(min=1)
    for stage in range(len(model.anchors)):
        _measure_turns(faces, model.mean_face, turns)
        anchors, offsets = model.anchors[stage], model.offsets[stage]
        for part, stack in stacks:
            here = (boxes[part], faces[part], turns[part])
            _look(stack, *here, anchors, offsets, pixels[:, part])
        splits = (model.first[stage], model.second[stage], model.threshold[stage])
        _add_leaves(pixels, gains, *splits, model.leaves[stage], faces)
    corner, size = boxes[:, None, :2], boxes[:, None, 2:] - boxes[:, None, :2]
    return np.floor(faces.reshape(-1, 68, 2) * size + corner + 0.5)


def _stacked(
    frames: Sequence[UInt8[np.ndarray, "h w"]],
) -> list[tuple[slice, UInt8[np.ndarray, "n h w"]]]:
    """All frames in one array if they are small, else each in one of its own, not copied."""
    if sum(frame.nbytes for frame in frames) <= MAX_STACKED_BYTES:
        return [(slice(0, len(frames)), np.stack(frames))] if frames else []
    return [(slice(i, i + 1), frame[None]) for i, frame in enumerate(frames)]


def _contrast(frame: UInt8[np.ndarray, "h w"], box: Float64[np.ndarray, "4"]) -> int:
    darkest, brightest = grey_range(frame, box) or (0, MIN_CONTRAST)
    return brightest - darkest


# The rest is compiled by numba, which knows no type checks: plain loops. The use of 32 and 64 bits
# follows dlib; otherwise some points would differ by a pixel.


@njit(cache=True, nogil=True)
@no_type_check
def _measure_turns(faces, mean_face, turns):
    """Rotation and scale of each face against the mean face: a, b of the matrix [a -b; b a].

    The least-squares similarity: in complex numbers, a linear regression with one slope.
    """
    num_points = len(mean_face) // 2
    for i in range(len(faces)):
        mean_x = mean_y = here_x = here_y = 0.0
        for j in range(num_points):
            mean_x += mean_face[2 * j]
            mean_y += mean_face[2 * j + 1]
            here_x += faces[i, 2 * j]
            here_y += faces[i, 2 * j + 1]
        real = imaginary = spread = 0.0
        for j in range(num_points):
            x = mean_face[2 * j] - mean_x / num_points
            y = mean_face[2 * j + 1] - mean_y / num_points
            u = faces[i, 2 * j] - here_x / num_points
            v = faces[i, 2 * j + 1] - here_y / num_points
            real += u * x + v * y
            imaginary += v * x - u * y
            spread += x * x + y * y
        turns[i, 0] = real / spread
        turns[i, 1] = imaginary / spread


@njit(cache=True, nogil=True)
@no_type_check
def _look(frames, boxes, faces, turns, anchors, offsets, pixels):
    """Reads the pixels that a stage compares; they are black outside the frame."""
    num_frames, height, width = frames.shape
    for i in range(num_frames):
        a, b = turns[i]
        left, top, right, bottom = boxes[i]
        for j in range(len(anchors)):
            dx, dy = offsets[j]
            x = (a * dx - b * dy) + faces[i, 2 * anchors[j]]
            y = (b * dx + a * dy) + faces[i, 2 * anchors[j] + 1]
            column = int(np.floor(np.float64(x) * (right - left) + left + 0.5))
            row = int(np.floor(np.float64(y) * (bottom - top) + top + 0.5))
            inside = 0 <= row < height and 0 <= column < width
            pixels[j, i] = frames[i, row, column] if inside else 0


@njit(cache=True, nogil=True)
@no_type_check
def _add_leaves(pixels, gains, first, second, threshold, leaves, faces):
    """Passes each face through each tree, and adds the leaf where it ends.

    All splits are evaluated for all faces, more than needed: without branches, the processor
    evaluates many at once.
    """
    num_faces, num_values = faces.shape
    answers = np.empty(num_faces, np.int32)  # bit n is the answer of split n
    for tree in range(len(first)):
        answers[:] = 0
        for node in range(NUM_SPLITS):
            one, other = pixels[first[tree, node]], pixels[second[tree, node]]
            limit = threshold[tree, node]
            for i in range(num_faces):
                difference = np.float32(np.int32(one[i]) - np.int32(other[i]))
                answers[i] |= np.int32(gains[i] * difference > limit) << np.int32(node)
        for i in range(num_faces):
            node = 0
            while node < NUM_SPLITS:
                node = 2 * node + 2 - ((answers[i] >> node) & 1)
            leaf = leaves[tree, node - NUM_SPLITS]
            for k in range(num_values):
                faces[i, k] += leaf[k]
