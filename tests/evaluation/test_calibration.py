"""Held-out real clips, and nothing else, give p-values and thresholds."""

from typing import Any

import numpy as np
import pytest

from avsync.evaluation import calibration
from avsync.evaluation.lines import Line

RULES: dict[str, Any] = {"frame_score": "nll", "pooling": "logmeanexp"}


def lines(scores, *, label: int = 0, view: str = "trimmed"):
    return [
        Line(f"{label}{view}{i}", view, label, num_frames=70 + i, scores={"alignment": score})
        for i, score in enumerate(scores)
    ]


def calibrated(scores):
    return calibration.calibrate(lines(scores), dataset="grid", split="val", **RULES)


def test_a_calibration_holds_the_sorted_trimmed_scores():
    both = lines([3.0, 1.0, None, 2.0]) + lines([9.0], view="original")
    found = calibration.calibrate(both, dataset="grid", split="val", **RULES)
    assert found["scores"] == [1.0, 2.0, 3.0]
    assert (found["dataset"], found["split"], found["trim"]) == ("grid", "val", "leading")
    assert (found["frame"], found["pooling"]) == ("nll", "logmeanexp")
    assert found["num_frames"] == 71  # the median of 70, 71 and 73


def test_fakes_and_unscored_clips_cannot_calibrate():
    with pytest.raises(
        ValueError, match="1 clips of grid/test are labelled fake, such as 1trimmed0"
    ):
        calibration.calibrate(
            lines([1.0]) + lines([2.0], label=1), dataset="grid", split="test", **RULES
        )
    with pytest.raises(ValueError, match="no clip of grid/test has a trimmed score"):
        calibration.calibrate(lines([None]), dataset="grid", split="test", **RULES)


def test_a_p_value_counts_the_calibration_clips_that_score_as_high():
    found = calibration.with_p_values(lines([2.5, 0.0, 9.0, None]), calibrated([1.0, 2.0, 3.0]))
    assert [line.p_value for line in found] == [2 / 4, 4 / 4, 1 / 4, None]


def test_only_the_calibrated_view_has_p_values():
    (line,) = calibration.with_p_values(lines([1.0], view="original"), calibrated([1.0]))
    assert (line.is_calibrated, line.p_value) == (True, None)
    (line,) = calibration.with_p_values(lines([1.0]), None)
    assert not line.is_calibrated


def test_a_calibration_by_other_rules_is_not_used():
    assert calibration.matching(calibrated([1.0]), **RULES) is not None
    assert (
        calibration.matching(calibrated([1.0]), frame_score="logit", pooling="logmeanexp") is None
    )
    assert calibration.matching(None, **RULES) is None


def test_the_target_rate_holds_on_real_clips_of_the_same_kind():
    random = np.random.default_rng(0)
    reals, fakes = random.normal(size=400), random.normal(size=50) + 5
    here = lines(reals.tolist()) + lines(fakes.tolist(), label=1)
    rate = calibration.threshold_report(here, calibrated(random.normal(size=199).tolist()))[
        "rates"
    ]["0.05"]
    assert rate["promised"]["mean"] == pytest.approx(0.05)
    alarms = rate["alarms"]
    assert alarms["expected"]["low"] <= alarms["rate"] <= alarms["expected"]["high"]
    assert rate["found"] == {"share": pytest.approx(1, abs=0.1), "num_fake": 50}


def test_too_few_calibration_clips_give_no_threshold_and_a_note():
    rates = calibration.threshold_report(lines([1.0]), calibrated([0.0] * 50))["rates"]
    assert rates["0.01"]["threshold"] is None
    assert "it takes 99" in rates["0.01"]["note"]
    assert rates["0.05"]["threshold"] == 0.0


def test_clips_that_are_not_judged_are_left_out_and_counted():
    here = lines([1.0, 2.0, 3.0])
    here[2] = here[2].replace(status="too_short", message="0.40 s are left")
    known = calibrated(np.linspace(0, 1, 50).tolist())
    p_values = [line.p_value for line in calibration.with_p_values(here, known)]
    assert [p is None for p in p_values] == [False, False, True]
    found = calibration.threshold_report(here, known)
    assert found["num_abstained"] == 1
    assert found["rates"]["0.05"]["alarms"]["num_real"] == 2
    titles: dict[str, Any] = {"dataset": "x", "split": "val", **RULES}
    assert calibration.calibrate(here, **titles)["scores"] == [1.0, 2.0]


def test_a_calibration_keeps_the_offset_of_its_corpus():
    about: dict[str, Any] = {"dataset": "grid", "split": "val", "realigned_frames": 2}
    found = calibration.calibrate(lines([1.0, 2.0]), **about, **RULES)
    assert found["realigned_frames"] == 2
    assert calibration.realigned_frames_of(found, "grid") == 2
    assert calibration.realigned_frames_of(found, "lrs3") == 0
    assert calibration.realigned_frames_of(None, "grid") == 0
    del found["realigned_frames"]  # as in a file of an earlier version
    assert calibration.realigned_frames_of(found, "grid") == 0
