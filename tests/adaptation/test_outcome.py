"""Gain and loss are told with their intervals, and no gain is claimed that is not sure."""

import numpy as np
import pytest

from avsync.adaptation import outcome
from avsync.adaptation.outcome import BETTER, UNCLEAR, WORSE, Measured
from avsync.evaluation import calibration
from avsync.evaluation.lines import Line

NUM = 24


def measured(gap: float, *, seed: int = 0, identity: str = "", thresholds=None) -> Measured:
    """Real clips with scores around 0, and a fake of each that scores `gap` more."""
    random = np.random.default_rng(seed)
    lines = [
        Line(
            f"{i}_{kind}" if kind else f"{i}",
            "trimmed",
            label,
            manipulation=kind,
            identity=identity and f"{identity}{i % 6}",
            num_frames=75,
            scores={"alignment": float(random.normal(label * gap))},
        )
        for i in range(NUM)
        for label, kind in ((0, ""), (1, "swap"))
    ]
    return Measured(lines, thresholds)


def compare(before: float, after: float, **options):
    compared = outcome.compare(
        {
            "given": measured(before, **options),
            "calibrated": measured(before, **options),
            "fine-tuned": measured(after, seed=1, **options),
        }
    )
    return {**compared, "summary": outcome.summary(compared)}


@pytest.mark.parametrize(
    ("before", "after", "finding", "words"),
    [
        (0.5, 5.0, BETTER, "Fine-tuning helped: AUC "),
        (5.0, 0.5, WORSE, "Fine-tuning did harm: AUC "),
        (2.0, 2.0, UNCLEAR, "Whether fine-tuning helped is unclear"),
    ],
)
def test_only_an_interval_on_one_side_of_0_is_a_gain_or_a_loss(before, after, finding, words):
    found = compare(before, after)
    assert found["finding"] == finding
    gain = found["gain"]
    assert gain["low"] <= gain["value"] <= gain["high"]
    first, *_, last = found["scorers"].values()
    assert gain["value"] == pytest.approx(last["auc"] - first["auc"])
    assert found["chosen"] == ("fine-tuned" if gain["value"] > 0 else "calibrated")
    assert found["summary"].startswith(words)
    assert "on 24 real clips and 24 fakes" in found["summary"]


def test_the_interval_over_talkers_decides_where_they_are_known():
    found = compare(0.5, 5.0, identity="talker")
    assert found["gain"]["over_identities"]["num_identities"] == 6
    assert "95% interval over 6 talkers" in found["summary"]


def test_without_fine_tuning_no_gain_is_told():
    only = {"given": measured(2.0), "calibrated": measured(2.0)}
    found = outcome.compare(only)
    assert (found["gain"], found["finding"]) == (None, None)
    assert outcome.summary(found).startswith("Not fine-tuned")


def test_the_card_counts_alarms_and_finds_with_their_numbers():
    reals = [line for line in measured(0.0, seed=2).lines if line.is_real]
    known = calibration.calibrate(
        reals, dataset="folder", split="val", frame_score="nll", pooling="logmeanexp"
    )
    clips = measured(6.0)
    judged = clips._replace(thresholds=calibration.threshold_report(clips.lines, known))
    found = outcome.compare({"given": clips, "calibrated": judged})
    found |= {
        "summary": outcome.summary(found),
        "counts": {"val": 24, "test": 24},
        "num_rejected": 2,
        "divided_by": "videos",
        "notes": ["3 fakes of the manifest are left out"],
        "gates": None,
    }
    text = outcome.markdown(found)
    threshold = judged.thresholds["rates"]["0.05"]["threshold"]
    alarms = sum(x.scores["alignment"] > threshold for x in clips.lines if x.is_real)
    assert f"| {alarms} of 24 | 100% of 24 |" in text
    assert "| given | 1.000 [1.000, 1.000] | - | - |" in text
    assert "24 to calibrate with, 24 to test with. 2 could not be prepared" in text
    assert "3 fakes of the manifest are left out." in text
