"""What is drawn where not everything can be: rules that favour no clip by its score."""

import pytest

from avsync.reports.evaluation import selection


def delta(**drops):
    """Metrics in which each score loses so much, give or take 0.1."""
    return {
        "compared_with": "alignment",
        "delta": {
            name: {"auc_drop": drop, "auc_drop_low": drop - 0.1} for name, drop in drops.items()
        },
    }


def clips(**scores):
    """Clips by id, fakes if their id says so."""
    return [
        {"clip_id": name, "label": int(name.startswith("fake")), "scores": {"alignment": score}}
        for name, score in scores.items()
    ]


def shown(groups):
    return {group.heading: [clip["clip_id"] for clip in group.clips] for group in groups}


def test_the_main_score_is_drawn_first_and_then_what_loses_most():
    metrics = delta(leading_silence=0.3, twin=0.5, alignment=0.0)
    assert selection.drawn_scores(metrics) == ["alignment", "twin", "leading_silence"]


def test_a_variant_is_drawn_only_if_trimming_moves_it():
    metrics = delta(alignment=0.0, alignment_logit=0.05, duration=0.5, leading_silence=0.0)
    assert selection.drawn_scores(metrics) == ["alignment", "leading_silence", "duration"]


def test_variants_alone_are_drawn_all_the_same():
    assert selection.drawn_scores(delta(duration=0.0)) == ["duration"]


def test_there_are_no_more_pictures_than_colours():
    many = {f"twin_{i}": 0.5 for i in range(9)}
    assert len(selection.drawn_scores(delta(alignment=0.0, **many))) == selection.MAX_SCORES


def test_few_points_are_all_drawn():
    assert selection.every(selection.MAX_POINTS) == 1
    assert selection.spread_out([3, 1, 2], kinds=["b", "a", "b"]) == [3, 2, 1]


def test_of_many_points_each_kind_keeps_its_share_and_at_least_one():
    num = 3 * selection.MAX_POINTS
    kinds = ["swap" if i < num - 2 else "rare" for i in range(num)]
    drawn = selection.spread_out(range(num), kinds=kinds)
    assert drawn[:3] == [0, 3, 6]
    assert drawn[-1] == num - 2
    assert len(drawn) == pytest.approx(selection.MAX_POINTS, abs=1)


def test_clips_are_shown_from_the_wrong_end_of_their_class_and_from_the_right_one():
    reals = {f"real{i}": float(i) for i in range(8)}
    fakes = {f"fake{i}": float(i) for i in range(4)}
    assert shown(selection.exemplars(clips(**reals, **fakes), "alignment")) == {
        "Reals that look most fake": ["real7", "real6", "real5"],
        "Fakes that look most real": ["fake0", "fake1", "fake2"],
        "The clearest reals": ["real0", "real1", "real2"],
        "The clearest fakes": ["fake3"],
    }


def test_no_clip_is_shown_twice_and_none_without_a_score():
    some = clips(real0=1.0, real1=2.0, fake0=None)
    assert shown(selection.exemplars(some, "alignment")) == {
        "Reals that look most fake": ["real1", "real0"]
    }
