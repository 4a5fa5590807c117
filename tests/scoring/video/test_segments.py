"""The worst segments of a clip, on scores that can be checked by eye."""

import numpy as np
import pytest

from avsync.scoring.video.segments import (
    WINDOW_FRAMES,
    segments_above,
    smoothed,
    worst_frames,
)


def scores(num_frames: int, *bad: tuple[int, int], score: float = 10.0) -> np.ndarray:
    """0 everywhere, but `score` in frames [first, end)."""
    values = np.zeros(num_frames)
    for first, end in bad:
        values[first:end] = score
    return values


def test_a_segment_at_twice_the_threshold_is_found_with_its_own_length():
    (segment,) = segments_above(scores(100, (40, 60)), threshold=5.0, start_seconds=2.0)
    assert segment.start == pytest.approx(2 + 40 / 25, abs=0.05)
    assert segment.end == pytest.approx(2 + 60 / 25, abs=0.05)
    assert segment.score == pytest.approx(10, abs=0.6)


def test_near_segments_merge_and_distant_ones_do_not():
    apart = segments_above(scores(200, (40, 60), (120, 140)), threshold=5.0, start_seconds=0.0)
    near = segments_above(scores(200, (40, 60), (66, 86)), threshold=5.0, start_seconds=0.0)
    assert len(apart) == 2
    assert len(near) == 1


def test_a_single_bad_frame_is_not_a_segment():
    assert segments_above(scores(100, (40, 41)), threshold=5.0, start_seconds=0.0) == []


def test_a_segment_at_the_end_of_a_clip_is_found():
    (segment,) = segments_above(scores(100, (85, 100)), threshold=5.0, start_seconds=0.0)
    assert segment.end == 4


def test_frames_without_sound_do_not_count():
    values = scores(100, (40, 60))
    values[:30] = np.nan
    means = smoothed(values)
    assert np.isnan(means[:30]).all()
    assert means[30] == pytest.approx(10 / 11)  # frames 30 to 40, of which 40 is bad
    assert len(segments_above(values, threshold=5.0, start_seconds=0.0)) == 1


def test_the_worst_frames_are_sorted_and_lie_apart():
    values = scores(100, (20, 30), score=5) + scores(100, (60, 70), score=9)
    first, second, third = worst_frames(values, number=3)
    assert 55 <= first < 75
    assert 55 <= second < 75 or 15 <= second < 35
    assert min(abs(first - second), abs(second - third)) >= WINDOW_FRAMES // 2


def test_a_short_clip_has_fewer_worst_frames_than_asked_for():
    assert worst_frames(np.ones(12), number=4) == [0, 10]
