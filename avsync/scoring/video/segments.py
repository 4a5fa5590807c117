"""Where a clip is worst, read off the scores of its frames."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from avsync.units import FRAMES_PER_SECOND

# Short enough to find a forged word, long enough that a lip out of sight for a frame is no finding.
WINDOW_FRAMES = round(0.8 * FRAMES_PER_SECOND)


class Segment(NamedTuple):
    """A stretch in seconds, and the mean score of its frames."""

    start: float
    end: float
    score: float


def above(
    frame_scores: Float[np.ndarray, " t"], *, threshold: float, start_seconds: float
) -> list[Segment]:
    """The stretches over which `smoothed` is above the threshold, in order.

    A forgery of 0.8 s that doubles the threshold is found with its own length; a shorter one must
    be worse. The clip starts at `start_seconds`.
    """
    is_above = np.concatenate([[False], smoothed(frame_scores) > threshold, [False]])
    edges = np.flatnonzero(np.diff(is_above.astype(int))).reshape(-1, 2)
    return [
        Segment(
            start_seconds + first / FRAMES_PER_SECOND,
            start_seconds + end / FRAMES_PER_SECOND,
            float(np.nanmean(frame_scores[first:end])),
        )
        for first, end in edges
    ]


def worst(frame_scores: Float[np.ndarray, " t"], *, number: int) -> list[int]:
    """Up to `number` frames at least half a window apart, by `smoothed`, the worst first."""
    means = smoothed(frame_scores)
    found: list[int] = []
    while len(found) < number and np.isfinite(means).any():
        frame = int(np.nanargmax(means))
        found.append(frame)
        means[max(0, frame - WINDOW_FRAMES // 2 + 1) : frame + WINDOW_FRAMES // 2] = np.nan
    return found


def smoothed(frame_scores: Float[np.ndarray, " t"]) -> Float[np.ndarray, " t"]:
    """The mean over the 0.8 s around each frame, less at the ends of the clip.

    NaN, a frame without sound, is left out of the means, and stays NaN.
    """
    is_known = np.isfinite(frame_scores)
    scores = np.where(is_known, frame_scores, 0).astype(float)
    total, count = (np.concatenate([[0.0], np.cumsum(x)]) for x in (scores, is_known))
    frames = np.arange(len(scores))
    first = np.maximum(frames - WINDOW_FRAMES // 2, 0)
    end = np.minimum(frames + WINDOW_FRAMES // 2 + 1, len(scores))
    means = (total[end] - total[first]) / np.maximum(count[end] - count[first], 1)
    return np.where(is_known, means, np.nan)
