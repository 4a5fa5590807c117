"""The ticks of an axis of time: at round numbers of seconds, minutes and hours."""

import math

from matplotlib.axes import Axes

from avsync.scoring.video import verdict

STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600)
MAX_STEPS = 8


def time_ticks(start: float, end: float) -> list[float]:
    """Times in seconds from `start` to `end`, at most nine, the same round step apart."""
    length = end - start
    step = next((step for step in STEPS if length <= MAX_STEPS * step), length / MAX_STEPS)
    first, last = math.ceil(start / step - 1e-9), math.floor(end / step + 1e-9)
    return [float(step * number) for number in range(first, last + 1)]


def set_time_ticks(axes: Axes) -> None:
    """Puts the ticks on the horizontal axis, whose limits are set."""
    times = time_ticks(*axes.get_xlim())
    axes.set_xticks(times, [verdict.clock(time) for time in times])
