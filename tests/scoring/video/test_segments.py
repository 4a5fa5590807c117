"""Where a clip is worst, on scores that can be checked by eye."""

import numpy as np
import pytest

from avsync.scoring.video import segments


def scores(num_frames: int, *bad: tuple[int, int], score: float = 10.0) -> np.ndarray:
    """0 everywhere, but `score` in frames [first, end)."""
    values = np.zeros(num_frames)
    for first, end in bad:
        values[first:end] = score
    return values


def test_a_stretch_twice_as_bad_as_the_threshold_is_found_with_its_own_length():
    (found,) = segments.above(scores(100, (40, 60)), threshold=5.0, start_seconds=2.0)
    assert found.start == pytest.approx(2 + 40 / 25, abs=0.05)
    assert found.end == pytest.approx(2 + 60 / 25, abs=0.05)
    assert found.score == pytest.approx(10, abs=0.6)


def test_stretches_far_apart_are_two_and_near_ones_are_one():
    apart = segments.above(scores(200, (40, 60), (120, 140)), threshold=5.0, start_seconds=0.0)
    near = segments.above(scores(200, (40, 60), (66, 86)), threshold=5.0, start_seconds=0.0)
    assert len(apart) == 2
    assert len(near) == 1


def test_a_single_bad_frame_is_no_stretch():
    assert segments.above(scores(100, (40, 41)), threshold=5.0, start_seconds=0.0) == []


def test_a_bad_end_of_a_clip_is_found_too():
    (found,) = segments.above(scores(100, (85, 100)), threshold=5.0, start_seconds=0.0)
    assert found.end == 4


def test_frames_without_sound_have_no_say():
    values = scores(100, (40, 60))
    values[:30] = np.nan
    smoothed = segments.smoothed(values)
    assert np.isnan(smoothed[:30]).all()
    assert smoothed[30] == pytest.approx(10 / 11)  # frames 30 to 40, of which 40 is bad
    assert len(segments.above(values, threshold=5.0, start_seconds=0.0)) == 1


def test_the_worst_moments_come_worst_first_and_lie_apart():
    values = scores(100, (20, 30), score=5) + scores(100, (60, 70), score=9)
    first, second, third = segments.worst(values, number=3)
    assert 55 <= first < 75
    assert 55 <= second < 75 or 15 <= second < 35
    assert min(abs(first - second), abs(second - third)) >= segments.WINDOW_FRAMES // 2


def test_a_short_clip_has_fewer_worst_moments_than_asked_for():
    assert segments.worst(np.ones(12), number=4) == [0, 10]
