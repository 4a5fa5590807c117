"""The parts of a clip that do not fit, on scores that can be checked by eye."""

import numpy as np
import pytest

from avsync.scoring import smoothed
from avsync.scoring.pooling import WINDOW_FRAMES
from avsync.scoring.video.segments import mismatched_frames, segments_of, worst_frames

WHOLE = [(0, 100)]


def scores(num_frames: int, *bad: tuple[int, int], score: float = 10.0) -> np.ndarray:
    """0 everywhere, but `score` in frames [first, end)."""
    values = np.zeros(num_frames)
    for first, end in bad:
        values[first:end] = score
    return values


def spans(values: np.ndarray, *, pieces=WHOLE, threshold: float | None = 5.0) -> list[tuple]:
    """(start, end) of the segments, in frames."""
    bad = mismatched_frames(values, pieces=pieces, threshold=threshold)
    found = segments_of(bad, values, start_seconds=2.0)
    return [(round(25 * (s.start - 2)), round(25 * (s.end - 2))) for s in found]


def test_a_segment_at_twice_the_threshold_is_found_with_its_own_length():
    values = scores(100, (40, 60))
    ((first, end),) = spans(values)
    assert (first, end) == (pytest.approx(40, abs=1), pytest.approx(60, abs=1))
    bad = mismatched_frames(values, pieces=WHOLE, threshold=5.0)
    (segment,) = segments_of(bad, values, start_seconds=0.0)
    assert segment.score == pytest.approx(10, abs=1)


def test_near_segments_merge_and_distant_ones_do_not():
    assert len(spans(scores(100, (20, 40), (70, 90)))) == 2
    assert len(spans(scores(100, (30, 50), (52, 72)))) == 1


def test_a_segment_ends_where_its_frames_do_not_where_its_windows_do():
    assert spans(scores(100, (40, 46), score=9.0)) == [(40, 46)]
    assert spans(scores(100, (40, 44), score=9.0)) == [(0, 100)]  # no window exceeds 5


def test_a_segment_after_a_pause_does_not_begin_before_it():
    values = scores(100, (50, 80))
    values[20:50] = np.nan
    assert spans(values) == [(50, 80)]


def test_a_piece_without_a_frame_above_the_threshold_is_a_segment_as_a_whole():
    quiet = scores(100, (40, 42))
    assert spans(quiet, pieces=[(25, 75)]) == [(25, 75)]
    assert spans(scores(100, (40, 60)), pieces=[(25, 75)], threshold=None) == [(25, 75)]
    assert spans(scores(100, (40, 60)), pieces=[]) == []


def test_frames_that_do_not_count_part_no_segment_and_begin_none():
    values = scores(100, (30, 70))
    values[45:55] = np.nan
    assert spans(values) == [(30, 70)]
    values[:50] = np.nan
    ((first, end),) = spans(values)
    assert (first, end) == (55, pytest.approx(70, abs=1))


def test_the_largest_smoothed_score_is_the_pooled_score_of_the_clip():
    rng = np.random.default_rng(0)
    for num_frames in (5, 10, 11, 73):
        values = rng.exponential(size=num_frames)
        windows = np.convolve(values, np.ones(10) / 10, "valid") if num_frames >= 10 else values
        largest = windows.max() if num_frames >= 10 else values.mean()
        assert smoothed(values).max() == pytest.approx(largest)
        assert len(smoothed(values)) == num_frames


def test_windows_go_on_beyond_frames_that_do_not_count():
    values = scores(40, (0, 10))
    values[5:25] = np.nan
    means = smoothed(values)
    assert np.isnan(means[5:25]).all()
    assert np.nanmax(means) == 5  # 5 frames of 10 before the gap and 5 of 0 after it
    assert np.isnan(smoothed(np.full(3, np.nan))).all()


def test_the_worst_frames_are_sorted_and_lie_apart():
    values = scores(100, (20, 30), score=5) + scores(100, (60, 70), score=9)
    first, second, *_ = worst_frames(values, number=3)
    assert (first, second) == (65, 25)
    noise = np.random.default_rng(0).exponential(size=300)
    gaps = np.diff(sorted(worst_frames(noise, number=9)))
    assert gaps.min() >= WINDOW_FRAMES


def test_the_slope_of_a_peak_is_no_worst_frame_of_its_own():
    rising = np.arange(40.0)
    (frame,) = worst_frames(np.concatenate([rising, rising[::-1]]), number=4)
    assert frame in (39, 40)


def test_a_short_clip_has_fewer_worst_frames_than_asked_for():
    assert len(worst_frames(np.ones(12), number=4)) == 1
    assert worst_frames(np.full(12, np.nan), number=4) == []
