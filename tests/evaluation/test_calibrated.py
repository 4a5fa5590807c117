"""Held-out reals give p-values and thresholds; nothing else does."""

import numpy as np
import pytest

from avsync.evaluation import calibrated

RULES = {"frame_score": "nll", "pooling": "logmeanexp"}


def lines(scores, *, label: int = 0, view: str = "trimmed"):
    return [
        {
            "clip_id": f"{label}{view}{i}",
            "view": view,
            "label": label,
            "num_frames": 70 + i,
            "scores": {"alignment": score},
        }
        for i, score in enumerate(scores)
    ]


def kept(scores):
    return calibrated.from_reals(lines(scores), dataset="grid", split="val", **RULES)


def test_the_trimmed_scores_of_reals_are_kept_in_order():
    both = lines([3.0, 1.0, None, 2.0]) + lines([9.0], view="original")
    found = calibrated.from_reals(both, dataset="grid", split="val", **RULES)
    assert found["scores"] == [1.0, 2.0, 3.0]
    assert (found["dataset"], found["split"], found["trim"]) == ("grid", "val", "leading")
    assert (found["frame"], found["pooling"]) == ("nll", "logmeanexp")
    assert found["num_frames"] == 71  # the median of 70, 71 and 73


def test_fakes_are_no_calibration():
    with pytest.raises(ValueError, match="1 of grid/test are labelled fake, such as 1trimmed0"):
        calibrated.from_reals(
            lines([1.0]) + lines([2.0], label=1), dataset="grid", split="test", **RULES
        )
    with pytest.raises(ValueError, match="no clip of grid/test has a trimmed score"):
        calibrated.from_reals(lines([None]), dataset="grid", split="test", **RULES)


def test_a_p_value_counts_the_reals_that_score_as_high():
    found = calibrated.with_p_values(lines([2.5, 0.0, 9.0, None]), kept([1.0, 2.0, 3.0]))
    assert [line["p_value"] for line in found] == [2 / 4, 4 / 4, 1 / 4, None]


def test_clips_of_the_other_view_have_no_p_value_and_without_calibration_there_is_none():
    (line,) = calibrated.with_p_values(lines([1.0], view="original"), kept([1.0]))
    assert line["p_value"] is None
    (line,) = calibrated.with_p_values(lines([1.0]), None)
    assert "p_value" not in line


def test_scores_kept_by_other_rules_are_not_used():
    assert calibrated.fitting(kept([1.0]), **RULES) is not None
    assert calibrated.fitting(kept([1.0]), frame_score="logit", pooling="logmeanexp") is None
    assert calibrated.fitting(None, **RULES) is None


def test_the_promise_is_kept_on_reals_of_the_same_kind():
    random = np.random.default_rng(0)
    reals, fakes = random.normal(size=400), random.normal(size=50) + 5
    here = lines(reals.tolist()) + lines(fakes.tolist(), label=1)
    promise = calibrated.promises(here, kept(random.normal(size=199).tolist()))["rates"]["0.05"]
    assert promise["promised"]["mean"] == pytest.approx(0.05)
    alarms = promise["alarms"]
    assert alarms["expected"]["low"] <= alarms["rate"] <= alarms["expected"]["high"]
    assert promise["found"] == {"share": pytest.approx(1, abs=0.1), "num_fake": 50}


def test_too_few_reals_promise_nothing_and_say_so():
    rates = calibrated.promises(lines([1.0]), kept([0.0] * 50))["rates"]
    assert rates["0.01"]["threshold"] is None
    assert "it takes 99" in rates["0.01"]["note"]
    assert rates["0.05"]["threshold"] == 0.0


def test_clips_that_are_not_judged_count_nowhere_and_are_counted():
    here = lines([1.0, 2.0, 3.0])
    here[2] |= {"status": "too_short", "message": "0.40 s are left"}
    known = kept(np.linspace(0, 1, 50).tolist())
    assert [line["p_value"] is None for line in calibrated.with_p_values(here, known)] == [
        False,
        False,
        True,
    ]
    found = calibrated.promises(here, known)
    assert found["num_abstained"] == 1
    assert found["rates"]["0.05"]["alarms"]["num_real"] == 2
    titles = {"dataset": "x", "split": "val", **RULES}
    assert calibrated.from_reals(here, **titles)["scores"] == [1.0, 2.0]
