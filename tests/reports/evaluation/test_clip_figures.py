"""Figures of single clips show each clip where its numbers are."""

import numpy as np

from avsync.evaluation.comparisons import Pair
from avsync.evaluation.lines import Line
from avsync.reports.evaluation import clip_figures

CLIP = Line("c", "trimmed", 1, fake_segments=[[0.04, 0.08]])


def frame_scores(scores, *, threshold=None, clip=CLIP):
    figure = clip_figures.draw_frame_scores(clip, scores, limits=(0.0, 5.0), threshold=threshold)
    (axes,) = figure.axes
    return axes


def test_frame_scores_are_drawn_at_their_time_in_seconds():
    axes = frame_scores([1.0, 4.0, 2.0])
    assert axes.lines[0].get_xydata().tolist() == [[0, 1], [0.04, 4], [0.08, 2]]
    assert axes.get_ylim() == (0.0, 5.0)


def test_only_forged_segments_are_shaded():
    (shade,) = frame_scores([1.0, 4.0, 2.0]).patches
    assert (shade.get_x(), shade.get_x() + shade.get_width()) == (0.04, 0.08)
    assert not frame_scores([1.0], clip=Line("c", "trimmed", 0)).patches


def test_a_threshold_is_a_line():
    assert len(frame_scores([1.0, 2.0]).lines) == 1
    assert list(frame_scores([1.0, 2.0], threshold=3.0).lines[1].get_ydata()) == [3.0, 3.0]


def test_the_highest_frame_of_a_long_clip_is_drawn():
    scores = np.zeros(10 * clip_figures.MAX_CURVE_POINTS)
    scores[4321] = 5.0
    (curve,) = frame_scores(scores.tolist()).lines
    assert len(curve.get_xdata()) == clip_figures.MAX_CURVE_POINTS
    assert curve.get_ydata().max() == 5.0
    assert clip_figures.frames_per_point(len(scores)) == 10


def pair(label, original, trimmed):
    kind = {"category": "RV-FA", "manipulation": "swap"} if label else {}
    return Pair(
        Line("c", "original", label, scores={"silence": original}, **kind),
        Line("c", "trimmed", label, scores={"silence": trimmed}, **kind),
    )


def test_each_category_has_its_own_marker_at_original_and_trimmed_score():
    (axes,) = clip_figures.draw_trimming([pair(0, 1.0, 1.0), pair(1, 3.0, 0.5)], "silence").axes
    diagonal, real, fake = axes.lines
    assert list(diagonal.get_xdata()) == list(diagonal.get_ydata())
    assert (real.get_xydata().tolist(), fake.get_xydata().tolist()) == ([[1, 1]], [[3, 0.5]])
    assert len({line.get_marker() for line in axes.lines}) == 3
    assert (real.get_label(), fake.get_label()) == ("real, n = 1", "RV-FA, n = 1")


def test_poolings_are_drawn_over_the_length_of_the_real_clips():
    reals = [
        Line("c", "trimmed", 0, num_frames=frames, poolings={"mean": score, "logsumexp": score})
        for frames, score in ((40, 0.0), (10, 1.0), (20, 2.0), (30, 3.0))
    ]
    poolings = {"mean": {"length_correlation": -0.2}, "logsumexp": {"length_correlation": None}}
    mean, logsumexp = clip_figures.draw_lengths(reals, poolings).axes
    points, medians = mean.lines
    assert points.get_xydata().tolist() == [[0.4, 1], [0.8, 2], [1.2, 3], [1.6, 0]]
    assert len(medians.get_xdata()) == 4
    assert mean.get_title() == "mean: -0.20"
    assert logsumexp.get_title() == "logsumexp: n/a: constant"
