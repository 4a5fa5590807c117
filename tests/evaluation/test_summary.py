"""The numbers of metrics.json: views, kinds of fakes, groups, identities, and what is left out."""

import math

import pytest

from avsync.evaluation import comparisons, results
from avsync.evaluation.lines import Line, scored
from avsync.evaluation.summary import MAX_GROUPS, compute_metrics
from avsync.metrics import ranking

INFO = {"dataset": "talkers", "split": "test", "checkpoint": "runs/a/checkpoints/7"}


def line(clip_id, score, *, identity="", view="trimmed", **attributes):
    """A clip whose name begins with r (real) or f (fake)."""
    is_fake = clip_id.startswith("f")
    return Line(
        clip_id,
        view,
        int(is_fake),
        category="RV-FA" if is_fake else "RV-RA",
        manipulation="swap" if is_fake else "real",
        identity=identity,
        attributes=attributes,
        offset_frames=0,
        scores={"alignment": score},
    )


def speakers():
    """Two women and two men, each with a real and a fake; the men's scores are all higher."""
    return [
        line("r1", 1.0, identity="ann", gender="female"),
        line("f1", 2.0, identity="ann", gender="female", generator="a"),
        line("r2", 1.5, identity="eve", gender="female"),
        line("f2", 2.5, identity="eve", gender="female", generator="b"),
        line("r3", 5.0, identity="bob", gender="male"),
        line("f3", 6.0, identity="bob", gender="male", generator="a"),
        line("r4", 6.5, identity="tom", gender="male"),
        line("f4", 7.0, identity="tom", gender="male"),
    ]


def alignment(lines):
    return compute_metrics(lines, **INFO)["views"]["trimmed"]["alignment"]


def test_every_ranking_metric_has_an_interval():
    result = alignment(speakers())
    for name in ("auc", "ap", "ap_balanced", "eer", "tpr_at_1_fpr", "tpr_at_5_fpr"):
        assert 0 <= result[f"{name}_low"] <= result[name] <= result[f"{name}_high"] <= 1
    # From the top: fake, real, fake, real, two fake, two real.
    assert (result["eer"], result["tpr_at_1_fpr"]) == (0.5, 0.25)


def test_a_group_is_ranked_against_its_own_real_clips():
    gender = alignment(speakers())["by_attribute"]["gender"]
    # Real men score above fake women; among women, all fakes score above all real clips.
    assert alignment(speakers())["auc"] < 0.7
    assert (gender["female"]["auc"], gender["female"]["reals"]) == (1.0, "same")
    assert (gender["male"]["auc"], gender["male"]["num_real"]) == (3 / 4, 2)


def test_an_attribute_of_fakes_alone_is_ranked_against_all_real_clips():
    generator = alignment(speakers())["by_attribute"]["generator"]
    assert list(generator) == ["a", "b", "unknown"]
    assert [generator[name]["reals"] for name in generator] == ["all"] * 3
    assert (generator["a"]["num_real"], generator["a"]["num_fake"]) == (4, 2)


def test_an_attribute_with_a_value_per_clip_is_left_out_and_named():
    fakes = [line(f"f{i}", float(i), file=f"{i}.mp4") for i in range(MAX_GROUPS + 1)]
    metrics = compute_metrics([line("r", 0.0), *fakes], **INFO)
    assert metrics["views"]["trimmed"]["alignment"]["by_attribute"] == {}
    assert metrics["attributes_left_out"] == {"file": "21 values"}


def test_an_attribute_that_no_fake_has_makes_no_groups():
    assert results.attribute_values([line("r", 0.0, gender="male"), line("f", 1.0)]) == {}


def test_known_speakers_give_an_interval_over_identities():
    metrics = compute_metrics(speakers(), **INFO)
    over = metrics["views"]["trimmed"]["alignment"]["over_identities"]
    assert over["num_identities"] == 4
    assert over["auc_low"] <= metrics["views"]["trimmed"]["alignment"]["auc"] < over["auc_high"]
    assert over["eer_low"] < over["eer_high"]


def test_one_unknown_speaker_leaves_no_interval_over_identities():
    first, *others = speakers()
    metrics = compute_metrics([first.replace(identity=""), *others], **INFO)
    assert metrics["views"]["trimmed"]["alignment"]["over_identities"] is None
    reason = "none, because the speaker of 1 clips is unknown"
    assert metrics["interval"]["over_identities"] == reason
    # All men are known.
    gender = metrics["views"]["trimmed"]["alignment"]["by_attribute"]["gender"]
    assert gender["male"]["over_identities"]["num_identities"] == 2


def test_a_score_that_clips_lack_does_not_change_the_numbers_of_the_others():
    lines = [
        clip.replace(scores={**clip.scores, "reverse": -clip.scores["alignment"], "sparse": 1.0})
        for clip in speakers()
    ]
    lines[0] = lines[0].replace(scores={**lines[0].scores, "sparse": None})
    found = results.by_score(lines, ["alignment", "sparse", "reverse"])
    assert found == {score: results.result(lines, score) for score in found}
    unscored = {score: numbers["num_unscored"] for score, numbers in found.items()}
    assert unscored == {"alignment": 0, "reverse": 0, "sparse": 1}


def test_two_scores_are_compared_over_the_clips_that_have_both():
    lines = [
        clip.replace(scores={**clip.scores, "reverse": -clip.scores["alignment"]})
        for clip in speakers()
    ]
    lines[0] = lines[0].replace(scores={**lines[0].scores, "reverse": math.nan})
    change = comparisons.auc_change(lines, lines, before_score="alignment", after_score="reverse")
    assert (change["num_real"], change["num_fake"], change["num_unpaired"]) == (3, 4, 1)
    both = [clip for clip in lines if clip.clip_id != "r1"]
    area = ranking.auc(*scored(both, "alignment")[:2])
    assert change["auc_drop"] == pytest.approx(area - (1 - area))
    assert change["over_identities"]["num_identities"] == 4


def test_two_checkpoints_are_compared_over_the_clips_scored_by_both():
    other = [clip.replace(scores={"alignment": 0.0}) for clip in speakers()[:-1]]
    score = {"before_score": "alignment", "after_score": "alignment"}
    change = comparisons.auc_change(speakers(), other, **score)
    assert (change["num_fake"], change["num_unpaired"]) == (3, 1)
    assert change["auc_drop"] == pytest.approx(7 / 12 - 0.5)
