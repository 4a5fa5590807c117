"""Segments and moments where a clip fits worst, from its frame scores."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from avsync.units import FRAMES_PER_SECOND

# Short enough to find a forged word; long enough that lips hidden for one frame raise no alarm.
WINDOW_FRAMES = round(0.8 * FRAMES_PER_SECOND)


class Segment(NamedTuple):
    """A suspicious segment, in seconds of the file, and the mean score of its frames."""

    start: float
    end: float
    score: float


def segments_above(
    frame_scores: Float[np.ndarray, " t"], *, threshold: float, start_seconds: float
) -> list[Segment]:
    """The segments in which `smoothed` frame scores exceed `threshold`, in order.

    A forgery of 0.8 s with scores of twice the threshold is found with its own length; a shorter
    one needs higher scores. `start_seconds` is the time of the first frame.
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


def worst_frames(frame_scores: Float[np.ndarray, " t"], *, number: int) -> list[int]:
    """Up to `number` frames with the highest `smoothed` scores, highest first.

    They lie at least half a window apart.
    """
    means = smoothed(frame_scores)
    frames: list[int] = []
    while len(frames) < number and np.isfinite(means).any():
        frame = int(np.nanargmax(means))
        frames.append(frame)
        means[max(0, frame - WINDOW_FRAMES // 2 + 1) : frame + WINDOW_FRAMES // 2] = np.nan
    return frames


def smoothed(frame_scores: Float[np.ndarray, " t"]) -> Float[np.ndarray, " t"]:
    """The mean over a window of 0.8 s around each frame, shorter at the ends of the clip.

    NaN marks a frame without sound: it does not enter the means, and stays NaN.
    """
    is_known = np.isfinite(frame_scores)
    scores = np.where(is_known, frame_scores, 0).astype(float)
    total, count = (np.concatenate([[0.0], np.cumsum(x)]) for x in (scores, is_known))
    frames = np.arange(len(scores))
    first = np.maximum(frames - WINDOW_FRAMES // 2, 0)
    end = np.minimum(frames + WINDOW_FRAMES // 2 + 1, len(scores))
    means = (total[end] - total[first]) / np.maximum(count[end] - count[first], 1)
    return np.where(is_known, means, np.nan)
