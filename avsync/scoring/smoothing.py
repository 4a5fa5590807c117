"""Frame scores over time as the pooling "window" sees them: means over 0.4 s."""

import numpy as np
from jaxtyping import Float

from avsync.scoring.pooling import WINDOW_FRAMES


def smoothed(frame_scores: Float[np.ndarray, " t"]) -> Float[np.ndarray, " t"]:
    """The mean over the `WINDOW_FRAMES` scores around each; its largest is the pooled score.

    NaN marks a frame that does not count (no speech, or no sound): it stays NaN, and a window goes
    on beyond it. At the ends, a window is that of the nearest frame which has a whole one.
    """
    is_known = np.isfinite(frame_scores)
    scores = frame_scores[is_known].astype(float)
    means = np.full(len(frame_scores), np.nan)
    if not len(scores):
        return means
    windows = window_means(scores)
    width = min(WINDOW_FRAMES, len(scores))
    nearest = np.clip(np.arange(len(scores)) - width // 2, 0, len(windows) - 1)
    means[is_known] = windows[nearest]
    return means


def window_means(scores: Float[np.ndarray, " n"]) -> Float[np.ndarray, " w"]:
    """The means over `WINDOW_FRAMES` scores in a row, by the first of them; n - 9 of them.

    Fewer scores, at least one, are one window.
    """
    width = min(WINDOW_FRAMES, len(scores))
    total = np.concatenate([[0.0], np.cumsum(scores, dtype=float)])
    return (total[width:] - total[:-width]) / width
