"""Runs of frames with one A/V offset each: where the offset of a clip changes, and by how much."""

import itertools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from avsync.scoring.offset_gain import Gains, at_offset, best_offset

# What a change of offset must gain, in nats. Of 38 files of five real GRID sentences it splits the
# two with a sentence that is out of sync, and two more by one frame, which means nothing.
CHANGE_NATS = 25.0

# A part of a clip is looked for at every place: its offset takes this much more evidence than that
# of a whole clip. Of 198 files of two GRID sentences, the second with the sound of another one, 40
# would be told a change of offset with 1, and 5 with 1.5. A real sentence of 3 s has 2.3 times the
# evidence for a whole clip, or more, in 95 of 100 cases.
PART_FACTOR = 1.5

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
    """The runs that gain enough over chance, exact, from the first frame on.

    That is `min_nats` for the run that gains most, or for the whole clip at one offset, and
    `PART_FACTOR` times as much for every other run. Frames whose sound fits nowhere so well belong
    to the run before them, the first ones to the first run. [] if neither a run nor the whole clip
    gains as much: no offset is known.
    """
    found = offset_runs(gains)
    nats = [_nats(gains, run) for run in found]
    most = max(nats)
    runs = [
        run
        for run, own in zip(found, nats, strict=True)
        if own >= min_nats * (1 if own == most else PART_FACTOR)
    ]
    if not runs:
        best = best_offset(gains)
        runs = [OffsetRun(0, len(gains), best.frames)] if best.nats >= min_nats else []
    certain: list[OffsetRun] = []
    for run in runs:
        if not certain or abs(run.offset_frames - certain[-1].offset_frames) >= MIN_DESYNC_FRAMES:
            certain.append(run)
    starts = [0, *[run.first for run in certain[1:]], len(gains)]
    return [
        OffsetRun(
            first,
            end,
            run.offset_frames,
            at_offset(gains[first:end], run.offset_frames).exact_frames,
        )
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
