"""How the shift between picture and sound changes within a clip: stretches of one offset each."""

import itertools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

# What a change of offset must gain, in nats. Of 100 real GRID clips none was cut into stretches by
# 15 to 30, of as many with a late or early second half 97 were cut by 15 to 30 (validation split).
CHANGE_NATS = 25.0

# Of reals, nearly all have an offset of a frame at most: a change by one is no news.
MIN_DESYNC_FRAMES = 2


class OffsetStretch(NamedTuple):
    """Frames [first, end) of a clip; their sound comes `offset_frames` late."""

    first: int
    end: int
    offset_frames: int


def offset_stretches(evidence: Float[np.ndarray, "t k"]) -> list[OffsetStretch]:
    """The stretches that explain `avsync.scoring.offset_evidence` of a clip best; at least one.

    Of all ways to give each frame an offset the one with the largest sum of evidence, less
    `CHANGE_NATS` for each change (the path of Viterbi, 1967). Its boundaries are as exact as what
    is said there: within two frames in the middle of a word, half a second off in a pause, and in
    the middle of frames without any evidence. Where offsets differ by less than
    `MIN_DESYNC_FRAMES`, the clip is one stretch.
    """
    reach = evidence.shape[1] // 2
    path = _best_path(evidence.astype(float)) - reach
    if np.ptp(path) < MIN_DESYNC_FRAMES:
        return [OffsetStretch(0, len(path), int(evidence.sum(axis=0).argmax()) - reach)]
    changes = np.flatnonzero(np.diff(path)) + 1
    # The path changes as soon as it costs nothing: of frames that say nothing, at the first one.
    telling = np.flatnonzero(evidence.any(axis=1))
    changes = (changes + telling[np.searchsorted(telling, changes)]) // 2
    edges = [0, *changes.tolist(), len(path)]
    return [OffsetStretch(first, end, int(path[first])) for first, end in itertools.pairwise(edges)]


def _best_path(evidence: Float[np.ndarray, "t k"]) -> Int[np.ndarray, " t"]:
    """The column of each frame."""
    num_frames, num_offsets = evidence.shape
    columns = np.arange(num_offsets)
    # Where the best path to each column of a frame comes from, and what it is worth.
    origin = np.zeros((num_frames, num_offsets), np.uint8)
    worth = evidence[0].copy()
    for frame in range(1, num_frames):
        best = worth.argmax()
        changed = worth[best] - CHANGE_NATS
        origin[frame] = np.where(worth >= changed, columns, best)
        worth = np.maximum(worth, changed) + evidence[frame]
    path = np.zeros(num_frames, int)
    path[-1] = worth.argmax()
    for frame in range(num_frames - 1, 0, -1):
        path[frame - 1] = origin[frame, path[frame]]
    return path
