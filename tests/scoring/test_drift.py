"""Drift of the A/V offset, on logits that can be checked by eye."""

import numpy as np
import pytest

from avsync.scoring.drift import OffsetLine, Placed, drift_ms_per_minute, offset_line
from avsync.scoring.offset_gain import candidate_gains
from tests.scoring.test_offset_gain import logits


def clip(late_frames: np.ndarray, *, start_seconds: float = 0.0) -> Placed:
    """A clip of which each frame has an offset of its own."""
    rows = [logits(1, late, seed=i)[0] for i, late in enumerate(late_frames)]
    return Placed(start_seconds, candidate_gains(np.stack(rows)))


def measured(late_frames: np.ndarray) -> OffsetLine:
    line = offset_line([clip(late_frames)])
    assert line is not None
    return line


@pytest.mark.parametrize("slope", [-30.0, 0.0, 20.0])
def test_a_drift_is_found_in_milliseconds_a_minute_whatever_an_edit_does(slope):
    frames = np.arange(3 * 60 * 25)
    late = slope / 40 * frames / 1500
    late[2000:2400] += 3
    assert drift_ms_per_minute([clip(late)]) == pytest.approx(slope, abs=4)


def test_a_file_of_half_a_minute_has_no_drift_worth_telling():
    assert drift_ms_per_minute([clip(np.zeros(30 * 25))]) is None


@pytest.mark.parametrize("rate", [-0.01, -0.002, 0.002, 0.005])
def test_a_line_tells_where_the_sound_is_at_each_time(rate):
    seconds = np.arange(40 * 25) / 25
    line = measured(25 * (0.04 - 20 * rate + rate * seconds))
    assert line.is_drift
    assert line.rate == pytest.approx(rate, abs=3e-4)
    assert line.low_rate <= line.rate <= line.high_rate
    for at in (0.0, 20.0, 40.0):
        assert line.at(at) == pytest.approx(0.04 - 20 * rate + rate * at, abs=0.008)


@pytest.mark.parametrize("jumps", [[(500, 2)], [(500, 4)], [(250, 5)], [(330, 2), (660, 4)]])
def test_sound_that_jumps_does_not_drift(jumps):
    late = np.zeros(40 * 25)
    for first, frames in jumps:
        late[first:] = frames
    line = measured(late)
    assert not line.is_drift
    assert not line.is_best


def test_sound_in_place_does_not_drift():
    assert not measured(np.full(40 * 25, 1.0)).is_drift


def test_faces_are_taken_together_at_their_places_in_the_file():
    late = 25 * 0.004 * np.arange(40 * 25) / 25
    parts = [(first, late[first : first + 125]) for first in range(0, 1000, 125)]
    clips = [clip(part, start_seconds=first / 25) for first, part in parts]
    line = offset_line(clips[::-1])
    assert line is not None
    assert line.rate == pytest.approx(0.004, abs=3e-4)
    assert line.at(0.0) == pytest.approx(0, abs=0.01)
    assert offset_line(clips[:2]) is None


def test_hours_of_windows_are_measured_as_minutes_are():
    late = 25 * 2e-5 * np.arange(30 * 60 * 25) / 25
    line = measured(late)
    assert line.is_drift
    assert line.rate == pytest.approx(2e-5, abs=1e-6)
