"""The curve of a clip shows what its frames scored, when, and where it is forged."""

import numpy as np

from avsync.reports.evaluation import curves

CLIP = {"label": 1, "fake_segments": [[0.04, 0.08]]}


def drawn(scores, *, threshold=None, clip=CLIP):
    (axes,) = curves.draw(clip, scores, limits=(0.0, 5.0), threshold=threshold).axes
    return axes


def test_the_scores_of_the_frames_stand_at_their_seconds():
    axes = drawn([1.0, 4.0, 2.0])
    assert axes.lines[0].get_xydata().tolist() == [[0, 1], [0.04, 4], [0.08, 2]]
    assert axes.get_ylim() == (0.0, 5.0)


def test_what_is_forged_is_shaded_and_nothing_else():
    (shade,) = drawn([1.0, 4.0, 2.0]).patches
    assert (shade.get_x(), shade.get_x() + shade.get_width()) == (0.04, 0.08)
    assert not drawn([1.0], clip={"label": 0, "fake_segments": []}).patches


def test_there_is_a_line_at_the_threshold_if_there_is_one():
    assert len(drawn([1.0, 2.0]).lines) == 1
    assert list(drawn([1.0, 2.0], threshold=3.0).lines[1].get_ydata()) == [3.0, 3.0]


def test_a_worst_frame_is_not_lost_in_a_long_clip():
    scores = np.zeros(10 * curves.MAX_POINTS)
    scores[4321] = 5.0
    (curve,) = drawn(scores.tolist()).lines
    assert len(curve.get_xdata()) == curves.MAX_POINTS
    assert curve.get_ydata().max() == 5.0
    assert curves.frames_a_point(len(scores)) == 10
