"""Whether two pictures show the same face: a face goes on over what looks like a scene cut.

A cut is a sudden change of the whole picture, and so are a jolt of the camera, frames that were
lost, and a step of the exposure. No limit on the change separates them: a jolt by 16 pixels changes
a GRID video by 0.45 (median of 15), and a cut to another talker in that studio by 0.39 (median of
176). What differs is the face. See the table in avsync/preparation/README.md.
"""

import numpy as np
from jaxtyping import Float32, Float64, UInt8

from avsync.media.scene_cuts import fingerprints

# The correlation of two aligned pictures of a face, and the distance of their landmarks, each
# brought to length 1. Over jolts, shakes and lost frames, one face has at least 0.83 and at most
# 0.052; over a step of the exposure 0.75 and 0.061. Of 168 pairs of talkers, 9 have at least 0.75
# and at most 0.08, the nearest of them 0.92 and 0.068.
MIN_CORRELATION = 0.75
MAX_LANDMARK_DISTANCE = 0.065

# The face from the forehead to the chin as rows and columns of cells, and the pixels averaged in
# each along both: noise and compression change single pixels, and cells of a ninth of the distance
# between the eyes hardly.
CELLS, PIXELS_PER_CELL = 12, 4

# iBUG 300-W.
RIGHT_EYE, LEFT_EYE, MOUTH = slice(36, 42), slice(42, 48), slice(48, 68)

# The extent of the cells around the middle between the eyes: in distances between the eyes to the
# sides, and in distances from the eyes to the mouth up and down.
SIDE, UP, DOWN = 0.9, 0.4, 1.2


def is_same_face(
    before: UInt8[np.ndarray, "h w"],
    after: UInt8[np.ndarray, "i j"],
    *,
    landmarks: tuple[Float64[np.ndarray, "68 2"], Float64[np.ndarray, "68 2"]],
) -> bool:
    """True if the faces with these landmarks in the two grey frames look alike."""
    correlation, distance = likeness(before, after, landmarks=landmarks)
    return correlation >= MIN_CORRELATION and distance <= MAX_LANDMARK_DISTANCE


def likeness(
    before: UInt8[np.ndarray, "h w"],
    after: UInt8[np.ndarray, "i j"],
    *,
    landmarks: tuple[Float64[np.ndarray, "68 2"], Float64[np.ndarray, "68 2"]],
) -> tuple[float, float]:
    """The correlation of the two faces, 1 if equal, and the distance of their landmarks, 0 to 2."""
    here, there = landmarks
    one, other = fingerprints(np.stack([_cells(before, here), _cells(after, there)]))
    return float(one @ other), float(np.linalg.norm(_shape(here) - _shape(there)))


def _cells(
    frame: UInt8[np.ndarray, "h w"], landmarks: Float64[np.ndarray, "68 2"]
) -> UInt8[np.ndarray, "n n"]:
    """The face upright, in cells; pixels beyond the frame are those at its edge."""
    right, left, mouth = (landmarks[part].mean(axis=0) for part in (RIGHT_EYE, LEFT_EYE, MOUTH))
    middle = (right + left) / 2
    number = CELLS * PIXELS_PER_CELL
    share = (np.arange(number) + 0.5) / number
    across = (2 * share - 1)[None, :, None] * SIDE * (left - right)
    down = (share * (UP + DOWN) - UP)[:, None, None] * (mouth - middle)
    height, width = frame.shape
    points = np.clip(np.rint(middle + across + down).astype(int), 0, (width - 1, height - 1))
    pixels: Float32[np.ndarray, "p p"] = frame[points[..., 1], points[..., 0]].astype(np.float32)
    cells = pixels.reshape(CELLS, PIXELS_PER_CELL, CELLS, PIXELS_PER_CELL).mean(axis=(1, 3))
    return np.rint(cells).astype(np.uint8)


def _shape(landmarks: Float64[np.ndarray, "68 2"]) -> Float64[np.ndarray, "68 2"]:
    centred = landmarks - landmarks.mean(axis=0)
    return centred / max(float(np.linalg.norm(centred)), 1e-9)
