"""Ticks stand at round times."""

import pytest

from avsync.reports.video.time_axis import time_ticks


@pytest.mark.parametrize(
    ("start", "end", "ticks"),
    [
        (0, 3, [0, 0.5, 1, 1.5, 2, 2.5, 3]),
        (0.4, 2.1, [0.5, 1.0, 1.5, 2.0]),
        (0, 127, [0, 20, 40, 60, 80, 100, 120]),
        (0, 3_600, [0, 600, 1_200, 1_800, 2_400, 3_000, 3_600]),
        (0, 28_800, [3_600 * hour for hour in range(9)]),
    ],
)
def test_ticks_are_whole_steps_of_a_clock(start, end, ticks):
    assert time_ticks(float(start), float(end)) == pytest.approx(ticks)


def test_a_length_beyond_all_steps_has_ticks_too():
    assert len(time_ticks(0.0, 100_000.0)) == 9
