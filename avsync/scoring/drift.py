"""How the A/V offset of a long file grows, from its offsets between frames along the time."""

import numpy as np
from scipy import stats

from avsync.scoring.offset_gain import Gains, at_offset, best_offset
from avsync.units import FRAMES_PER_SECOND

WINDOW_FRAMES = 10 * FRAMES_PER_SECOND

# 10 s of speech that fits gain 100 nats at least; less is no measurement.
MIN_NATS = 60.0

# The windows of half a minute do not show a drift of a few milliseconds a minute.
MIN_WINDOWS = 6
MIN_MINUTES = 1.0

MINUTE_FRAMES = 60 * FRAMES_PER_SECOND
FRAME_MILLISECONDS = 1000 / FRAMES_PER_SECOND


def drift_ms_per_minute(gains: Gains) -> float | None:
    """The slope of the offset over time, in milliseconds per minute; + means the sound gets later.

    `gains` are those of `offset_gain.candidate_gains`. The median of the slopes between all pairs
    of windows of 10 s (Theil 1950, Sen 1968): windows without speech, or with an edit, do not move
    it. None if fewer than `MIN_WINDOWS` windows over `MIN_MINUTES` minutes have a certain offset.
    """
    minutes, offsets = [], []
    for first in range(0, len(gains) - WINDOW_FRAMES + 1, WINDOW_FRAMES):
        window = gains[first : first + WINDOW_FRAMES]
        best = best_offset(window)
        if best.nats >= MIN_NATS:
            minutes.append((first + WINDOW_FRAMES / 2) / MINUTE_FRAMES)
            offsets.append(at_offset(window, best.frames).exact_frames * FRAME_MILLISECONDS)
    if len(minutes) < MIN_WINDOWS or np.ptp(minutes) < MIN_MINUTES - WINDOW_FRAMES / MINUTE_FRAMES:
        return None
    return float(np.asarray(stats.theilslopes(offsets, minutes)[0]))
