"""Runs of frames with one A/V offset each: where the offset of a clip changes, and by how much."""

import itertools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from avsync.scoring.offset_gain import Gains, at_offset, best_offset

# What a change of offset must gain, in nats. With 15 to 30, none of 100 real GRID clips is split,
# and 97 of 100 clips with a late or early second half are (validation split).
CHANGE_NATS = 25.0

# Nearly all real clips have an offset of at most one frame: a change by one means nothing.
MIN_DESYNC_FRAMES = 2


class OffsetRun(NamedTuple):
    """Frames [first, end) of a clip; their sound is `offset_frames` late.

    exact_frames: the offset between frames, see `BestOffset`; None if it was not asked for.
    """

    first: int
    end: int
    offset_frames: int
    exact_frames: float | None = None


def certain_runs(gains: Gains, *, min_nats: float) -> list[OffsetRun]:
    """The runs that gain at least `min_nats` each over chance, exact, from the first frame on.

    Frames whose sound fits nowhere so well belong to the run before them, the first ones to the
    first run. [] if neither a run nor the clip at one offset gains as much: no offset is known.
    """
    runs = [run for run in offset_runs(gains) if _nats(gains, run) >= min_nats]
    if not runs:
        best = best_offset(gains)
        runs = [OffsetRun(0, len(gains), best.frames)] if best.nats >= min_nats else []
    certain: list[OffsetRun] = []
    for run in runs:
        exact = at_offset(gains[run.first : run.end], run.offset_frames).exact_frames
        if not certain or abs(run.offset_frames - certain[-1].offset_frames) >= MIN_DESYNC_FRAMES:
            certain.append(run._replace(exact_frames=exact))
    starts = [0, *[run.first for run in certain[1:]], len(gains)]
    return [
        run._replace(first=first, end=end)
        for run, (first, end) in zip(certain, itertools.pairwise(starts), strict=False)
    ]


def offset_runs(evidence: Float[np.ndarray, "t k"]) -> list[OffsetRun]:
    """The runs that best explain the evidence of each frame for each offset, in order; at least 1.

    Maximises the summed evidence minus `CHANGE_NATS` per change of offset (Viterbi, 1967). A
    boundary is as exact as the speech there allows: within two frames inside a word, half a second
    off in a pause, and in the middle of frames without any evidence. A clip whose offsets differ by
    less than `MIN_DESYNC_FRAMES` is one run.
    """
    reach = evidence.shape[1] // 2
    path = _best_path(evidence.astype(float)) - reach
    if np.ptp(path) < MIN_DESYNC_FRAMES:
        return [OffsetRun(0, len(path), int(evidence.sum(axis=0).argmax()) - reach)]
    changes = np.flatnonzero(np.diff(path)) + 1
    # The path changes as early as it can, at the first of several frames without evidence: move
    # the boundary to the middle of them.
    informative = np.flatnonzero(evidence.any(axis=1))
    changes = (changes + informative[np.searchsorted(informative, changes)]) // 2
    edges = [0, *changes.tolist(), len(path)]
    return [OffsetRun(first, end, int(path[first])) for first, end in itertools.pairwise(edges)]


def _nats(gains: Gains, run: OffsetRun) -> float:
    return at_offset(gains[run.first : run.end], run.offset_frames).nats


def _best_path(evidence: Float[np.ndarray, "t k"]) -> Int[np.ndarray, " t"]:
    """The column of each frame on the best path."""
    num_frames, num_offsets = evidence.shape
    columns = np.arange(num_offsets)
    # By frame, the previous column of the best path to each column; and the value of that path.
    previous = np.zeros((num_frames, num_offsets), np.uint8)
    value = evidence[0].copy()
    for frame in range(1, num_frames):
        best = value.argmax()
        changed = value[best] - CHANGE_NATS
        previous[frame] = np.where(value >= changed, columns, best)
        value = np.maximum(value, changed) + evidence[frame]
    path = np.zeros(num_frames, int)
    path[-1] = value.argmax()
    for frame in range(num_frames - 1, 0, -1):
        path[frame - 1] = previous[frame, path[frame]]
    return path
