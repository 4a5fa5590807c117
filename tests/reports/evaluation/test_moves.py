"""What trimming does to the clips, on clips few enough to do it by hand."""

import numpy as np

from avsync.reports.evaluation import moves
from avsync.reports.evaluation.moves import Pair


def pair(label, original, trimmed, *, clip_id="c"):
    def line(score):
        kind = {"category": "RV-FA", "manipulation": "swap"} if label else {}
        return {"clip_id": clip_id, "label": label, "scores": {"silence": score}, **kind}

    return Pair(line(original), line(trimmed))


def test_reals_and_fakes_are_measured_apart():
    clips = [pair(0, 1.0, 1.5), pair(0, 2.0, 2.5), pair(1, 3.0, 0.0), pair(1, 4.0, 2.0)]
    found = moves.measure(clips, "silence")
    assert (found.num_real, found.num_fake) == (2, 2)
    assert (found.of_reals, found.of_fakes) == (0.5, -2.5)
    # Ranks 1 2 3 4 become 2 4 1 3: 1 - 6 (1 + 4 + 4 + 1) / (4 * 15).
    assert found.rank_correlation == np.float64(0.0)


def test_a_view_without_differences_has_no_correlation():
    found = moves.measure([pair(1, 1.0, 0.0), pair(1, 2.0, 0.0)], "silence")
    assert (found.of_reals, found.of_fakes, found.rank_correlation) == (None, -1.5, None)


def test_only_clips_scored_in_both_views_are_pairs():
    whole, half = pair(0, 1.0, 1.0, clip_id="whole"), pair(0, 1.0, None, clip_id="half")
    views = {view: [whole[i], half[i]] for i, view in enumerate(("original", "trimmed"))}
    assert moves.pairs(views, "silence") == [whole]
    assert moves.pairs({"original": views["original"]}, "silence") == []


def test_each_category_has_a_shape_of_its_own_and_clips_lie_where_they_were_and_went():
    clips = [pair(0, 1.0, 1.0), pair(1, 3.0, 0.5)]
    (axes,) = moves.draw(clips, "silence").axes
    diagonal, real, fake = axes.lines
    assert list(diagonal.get_xdata()) == list(diagonal.get_ydata())
    assert (real.get_xydata().tolist(), fake.get_xydata().tolist()) == ([[1, 1]], [[3, 0.5]])
    assert len({line.get_marker() for line in axes.lines}) == 3
    assert (real.get_label(), fake.get_label()) == ("real, n = 1", "RV-FA, n = 1")
