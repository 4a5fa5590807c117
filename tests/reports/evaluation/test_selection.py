"""The selection of scores, points and clips that a report draws."""

import pytest

from avsync.evaluation.lines import Line
from avsync.reports.evaluation import selection


def delta(**drops):
    """Metrics in which trimming costs each score this AUC, ± 0.1."""
    return {
        "compared_with": "alignment",
        "delta": {
            name: {"auc_drop": drop, "auc_drop_low": drop - 0.1} for name, drop in drops.items()
        },
    }


def clips(**scores):
    """Clips by id; fakes have ids that start with "fake"."""
    return [
        Line(name, "trimmed", int(name.startswith("fake")), scores={"alignment": score})
        for name, score in scores.items()
    ]


def shown(groups):
    return {group.heading: [clip.clip_id for clip in group.clips] for group in groups}


def test_the_compared_score_comes_first_then_the_largest_losses():
    metrics = delta(leading_silence=0.3, baseline=0.5, alignment=0.0)
    assert selection.drawn_scores(metrics) == ["alignment", "baseline", "leading_silence"]


def test_a_variant_is_drawn_only_if_trimming_costs_it_auc():
    metrics = delta(alignment=0.0, alignment_logit=0.05, duration=0.5, leading_silence=0.0)
    assert selection.drawn_scores(metrics) == ["alignment", "leading_silence", "duration"]


def test_variants_are_drawn_if_there_is_nothing_else():
    assert selection.drawn_scores(delta(duration=0.0)) == ["duration"]


def test_there_are_no_more_pictures_than_colours():
    many = {f"baseline_{i}": 0.5 for i in range(9)}
    assert len(selection.drawn_scores(delta(alignment=0.0, **many))) == selection.MAX_SCORES


def test_few_points_are_all_drawn():
    assert selection.step(selection.MAX_POINTS) == 1
    assert selection.subsample([3, 1, 2], kinds=["b", "a", "b"]) == [3, 2, 1]


def test_each_kind_keeps_its_share_of_many_points_and_at_least_one():
    num = 3 * selection.MAX_POINTS
    kinds = ["swap" if i < num - 2 else "rare" for i in range(num)]
    drawn = selection.subsample(range(num), kinds=kinds)
    assert drawn[:3] == [0, 3, 6]
    assert drawn[-1] == num - 2
    assert len(drawn) == pytest.approx(selection.MAX_POINTS, abs=1)


def test_the_hardest_and_easiest_clips_of_each_class_are_shown():
    reals = {f"real{i}": float(i) for i in range(8)}
    fakes = {f"fake{i}": float(i) for i in range(4)}
    assert shown(selection.extremes(clips(**reals, **fakes), "alignment")) == {
        "Hardest real clips: highest scores": ["real7", "real6", "real5"],
        "Hardest fakes: lowest scores": ["fake0", "fake1", "fake2"],
        "Easiest real clips": ["real0", "real1", "real2"],
        "Easiest fakes": ["fake3"],
    }


def test_no_clip_is_shown_twice_or_without_a_score():
    some = clips(real0=1.0, real1=2.0, fake0=None)
    assert shown(selection.extremes(some, "alignment")) == {
        "Hardest real clips: highest scores": ["real1", "real0"]
    }
