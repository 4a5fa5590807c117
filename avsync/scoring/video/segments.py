"""The segments and the moments where a clip fits worst, from its frame scores."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy.signal import find_peaks

from avsync.scoring import smoothed, window_means
from avsync.scoring.pooling import WINDOW_FRAMES
from avsync.units import FRAMES_PER_SECOND


class Segment(NamedTuple):
    """A segment that does not fit, in seconds of the file, and the mean score of its frames."""

    start: float
    end: float
    score: float


def mismatched_frames(
    frame_scores: Float[np.ndarray, " t"],
    *,
    pieces: Sequence[tuple[int, int]],
    threshold: float | None,
) -> Bool[np.ndarray, " t"]:
    """The frames of a clip that do not fit, all of them in the `pieces` [first, end) given.

    These are the pieces that stand out, and in each of them the frames of the windows of 0.4 s of
    speech whose mean score exceeds the threshold, from the first to the last frame that exceeds it
    itself: a window goes on beyond a pause, what does not fit need not. All that count if no window
    does.
    """
    is_known = np.isfinite(frame_scores)
    found = np.zeros(len(frame_scores), bool)
    for first, end in pieces:
        known = first + np.flatnonzero(is_known[first:end])
        if len(known):
            is_high = _high_frames(frame_scores[known], threshold)
            found[known] = is_high if is_high.any() else True
    return found


def _high_frames(
    scores: Float[np.ndarray, " n"], threshold: float | None
) -> Bool[np.ndarray, " n"]:
    is_high = np.zeros(len(scores), bool)
    if threshold is None:
        return is_high
    in_window = np.zeros(len(scores), bool)
    for first in np.flatnonzero(window_means(scores) > threshold):
        in_window[first : first + WINDOW_FRAMES] = True
    for first, end in _runs(in_window):
        high = first + np.flatnonzero(scores[first:end] > threshold)
        is_high[high[0] : high[-1] + 1] = True
    return is_high


def _runs(is_in: Bool[np.ndarray, " n"]) -> list[tuple[int, int]]:
    """The runs [first, end) of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], is_in, [0]]).astype(int)))
    return [(int(first), int(end)) for first, end in edges.reshape(-1, 2)]


def segments_of(
    is_mismatched: Bool[np.ndarray, " t"],
    frame_scores: Float[np.ndarray, " t"],
    *,
    start_seconds: float,
) -> list[Segment]:
    """The segments of these frames, in order; frames that do not count part none.

    `start_seconds` is the time of the first frame.
    """
    known = np.flatnonzero(np.isfinite(frame_scores))
    segments = []
    for first, end in _runs(is_mismatched[known]):
        frames = known[first:end]
        segments.append(
            Segment(
                start_seconds + int(frames[0]) / FRAMES_PER_SECOND,
                start_seconds + (int(frames[-1]) + 1) / FRAMES_PER_SECOND,
                float(frame_scores[frames].mean()),
            )
        )
    return segments


def worst_frames(frame_scores: Float[np.ndarray, " t"], *, number: int) -> list[int]:
    """Up to `number` frames at the highest peaks of the `smoothed` scores, highest first.

    The slope of a peak is no moment of its own. Peaks lie at least a window apart.
    """
    means = smoothed(frame_scores)
    heights = np.where(np.isfinite(means), means, -np.inf)
    # A first or last frame may be a peak.
    peaks, _ = find_peaks(np.pad(heights, 1, constant_values=-np.inf), distance=WINDOW_FRAMES)
    frames = peaks - 1
    return frames[np.argsort(-heights[frames], kind="stable")][:number].tolist()
