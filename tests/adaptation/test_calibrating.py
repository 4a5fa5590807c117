"""False alarms by group: each real video is compared with all others."""

import pytest

from avsync.adaptation import report
from avsync.adaptation.calibrating import Alarms, false_alarms
from avsync.evaluation.lines import Line


def line(number: int, score: float, group: str = "", **changes) -> Line:
    attributes, scores = {"group": group} if group else {}, {"alignment": float(score)}
    kept = Line(f"{number}", "trimmed", 0, attributes=attributes, scores=scores)
    return kept.replace(**changes)


def test_one_video_in_twenty_alarms():
    found = false_alarms(line(number, number) for number in range(40))
    assert list(found) == [""]
    alarms = found[""]
    assert (alarms.num_alarms, alarms.num_reals) == (2, 40)
    # Clopper and Pearson's interval of 2 in 40.
    assert (alarms.low, alarms.high) == pytest.approx((0.0061, 0.1692), abs=1e-4)


def test_a_group_of_which_all_score_high_has_all_alarms():
    lines = [line(number, number, "phone" if number >= 38 else "studio") for number in range(40)]
    found = false_alarms(lines)
    assert {name: (x.num_alarms, x.num_reals) for name, x in found.items()} == {
        "": (2, 40),
        "phone": (2, 2),
        "studio": (0, 38),
    }


def test_videos_that_are_not_judged_count_nowhere():
    lines = [line(number, number) for number in range(40)]
    lines += [line(40, 99.0, status="no_speech"), line(41, 99.0, view="original")]
    assert false_alarms(lines)[""].num_reals == 40


def test_a_group_that_alarms_too_often_is_told_what_helps(capsys):
    often = (0.3, 0.7)
    report.print_alarms({"large": Alarms(20, 40, *often), "small": Alarms(10, 20, *often)})
    printed = " ".join(capsys.readouterr().out.split())
    assert "Group large alarms more often than 5% of the time: score its files with" in printed
    assert "Group small alarms more often than 5% of the time: with 10 more videos" in printed
