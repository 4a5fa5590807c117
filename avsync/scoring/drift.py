"""How the A/V offset of a file grows: a line through its offsets between frames along the time.

A clock that runs too fast, or a wrong frame rate, makes sound drift against the picture; an edit
makes it jump. Natural clips lie up to a frame beside each other: of GRID sentences of 3 s that are
in sync, the offsets deviate by 8 ms, so that the drift over a minute is known to 15 ms.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import stats

from avsync.scoring.offset_gain import Gains, at_offset, best_offset
from avsync.units import FRAMES_PER_SECOND

# The offset is read in the shortest window that tells it, of one to three of these.
STEP_FRAMES = 3 * FRAMES_PER_SECOND
MAX_STEPS = 3

# A real sentence of 3 s that fits gains 138 nats or more in 95 of 100 cases; less is no
# measurement.
MIN_NATS = 60.0

MIN_WINDOWS = 6

# The windows of half a minute do not show a drift of a few milliseconds a minute.
MIN_SECONDS = 50.0

# Of hours there are thousands of windows: medians of so many groups of them say the same.
MAX_POINTS = 60

# A step of one point would follow any noise.
MIN_STEP_POINTS = 2

# A step is a new offset at a place that was chosen among all, and so explains as much noise as two
# more values. On 26 files of 20 held-out GRID sentences, this tells 16 of 16 drifts of 60 to 600 ms
# a minute, and takes none of 6 steps of 2 to 5 frames and of 4 still files for one; with 2 values
# it tells 12 of the drifts. Of 10 sentences, half a minute, it tells 2 of 4 drifts.
VALUES_PER_STEP = 3

# Offsets are not better known; points that happen to be equal explain nothing.
MIN_ERROR_SECONDS = 0.001

MILLISECONDS_PER_MINUTE = 60 * 1000

Points = Float[np.ndarray, " _"]


class Placed(NamedTuple):
    """The gains of a clip, see `offset_gain.candidate_gains`, that begins at `start_seconds`."""

    start_seconds: float
    gains: Gains


class OffsetLine(NamedTuple):
    """At t seconds of the file the sound is `late_seconds` + `rate` · t late.

    low_rate, high_rate: the 95% interval of the rate.
    first_seconds, last_seconds: between these it was measured.
    is_best: True if a line explains the offsets better than one offset, or several after each
      other, do.
    """

    late_seconds: float
    rate: float
    low_rate: float
    high_rate: float
    first_seconds: float
    last_seconds: float
    is_best: bool

    @property
    def is_drift(self) -> bool:
        """True if the offset certainly grows or falls, and steadily."""
        return self.is_best and (self.low_rate > 0 or self.high_rate < 0)

    @property
    def milliseconds_per_minute(self) -> float:
        """The rate; + means the sound gets later."""
        return self.rate * MILLISECONDS_PER_MINUTE

    def at(self, seconds: float) -> float:
        """How late the sound is at a time of the file."""
        return self.late_seconds + self.rate * seconds


def offset_line(clips: Sequence[Placed]) -> OffsetLine | None:
    """The line through the offsets of the clips; None if fewer than `MIN_WINDOWS` are certain.

    Its rate is the median of the slopes between all pairs of windows (Theil 1950, Sen 1968):
    windows without speech, or with an edit, do not move it.
    """
    windows = [window for clip in clips for window in _windows(clip)]
    if len(windows) < MIN_WINDOWS:
        return None
    seconds, late = _medians(*np.array(sorted(windows)).T)
    rate, _, low, high = map(float, stats.theilslopes(late, seconds))
    start = float(np.median(late - rate * seconds))
    line_cost = _cost(float(np.abs(late - start - rate * seconds).sum()), len(late), num_values=2)
    return OffsetLine(
        start,
        rate,
        low,
        high,
        float(seconds[0]),
        float(seconds[-1]),
        is_best=bool(line_cost < _steps_cost(late)),
    )


def drift_ms_per_minute(clips: Sequence[Placed]) -> float | None:
    """The rate of `offset_line` in milliseconds per minute; + means the sound gets later.

    None if it is not known, or from less than `MIN_SECONDS`.
    """
    line = offset_line(clips)
    if line is None or line.last_seconds - line.first_seconds < MIN_SECONDS:
        return None
    return line.milliseconds_per_minute


def _windows(clip: Placed) -> list[tuple[float, float]]:
    """The middle of each window with a certain offset, and that offset, both in seconds."""
    found, first = [], 0
    while first < len(clip.gains):
        for steps in range(1, MAX_STEPS + 1):
            window = clip.gains[first : first + steps * STEP_FRAMES]
            best = best_offset(window)
            if best.nats >= MIN_NATS:
                middle = clip.start_seconds + (first + len(window) / 2) / FRAMES_PER_SECOND
                exact = at_offset(window, best.frames).exact_frames
                found.append((middle, exact / FRAMES_PER_SECOND))
                first += len(window)
                break
        else:
            first += STEP_FRAMES
    return found


def _medians(seconds: Points, late: Points) -> tuple[Points, Points]:
    """At most `MAX_POINTS` points, the medians of as many successive ones each."""
    groups = np.array_split(np.arange(len(late)), min(len(late), MAX_POINTS))
    middles = [[np.median(values[group]) for group in groups] for values in (seconds, late)]
    return np.array(middles[0]), np.array(middles[1])


def _steps_cost(late: Points) -> float:
    """The cost of the best succession of constant offsets: of one, two, or more."""
    num = len(late)
    errors = np.full((num + 1, num + 1), np.inf)
    for first in range(num):
        for end in range(first + MIN_STEP_POINTS, num + 1):
            part = late[first:end]
            errors[first, end] = np.abs(part - np.median(part)).sum()
    costs, least = [], errors[0]  # by end, with so many steps
    for num_steps in range(1, num // MIN_STEP_POINTS + 1):
        costs.append(_cost(least[num], num, num_values=1 + VALUES_PER_STEP * (num_steps - 1)))
        least = (least[:, None] + errors).min(axis=0)
    return min(costs)


def _cost(error: float, num: int, *, num_values: int) -> float:
    """Schwarz's criterion for errors as Laplace distributes them, which medians fit best.

    `error` is the sum of the absolute errors of `num` points that `num_values` values explain.
    """
    return 2 * num * np.log(max(error / num, MIN_ERROR_SECONDS)) + num_values * np.log(num)
