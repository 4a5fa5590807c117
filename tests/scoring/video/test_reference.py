"""P-values, alarms, verdicts and the certainty of an offset, on scores checked by eye."""

import numpy as np
import pytest

from avsync.scoring.scorer import Scorer
from avsync.scoring.video.reference import Reference
from avsync.scoring.video.results import SyncResult
from avsync.scoring.video.verdict import with_verdict
from tests.scoring.video.results import CALIBRATION, REFERENCE, scored


def test_a_p_value_counts_the_reference_clips_that_score_at_least_as_high():
    assert scored(2.0).p_value == pytest.approx(1 / 100)
    assert scored(0.0).p_value == 1


def test_the_p_value_of_a_long_file_is_twice_the_mean_over_its_pieces():
    assert REFERENCE.p_value([2.0] * 1_000) == pytest.approx(2 / 100)
    assert REFERENCE.p_value([2.0] + 999 * [0.5]) == pytest.approx(1, abs=0.01)
    # Real files therefore keep the false-alarm rate, whether their pieces are alike or not.
    rng = np.random.default_rng(0)
    for num_own in (1, 20):
        own = rng.uniform(0, 1, (4_000, num_own))
        p_values = [REFERENCE.p_value(np.repeat(pieces, 20 // num_own).tolist()) for pieces in own]
        assert np.mean(np.array(p_values) <= 0.05) <= 0.05


def test_as_many_reference_clips_exceed_the_threshold_as_the_false_alarm_rate_allows():
    scores = CALIBRATION["scores"]
    alarms = [score for score in scores if REFERENCE.is_alarm(REFERENCE.p_value([score]))]
    assert len(alarms) == 4  # with the new clip 5 of 100


@pytest.mark.parametrize("calibration", [None, {**CALIBRATION, "scores": [1.0] * 18}])
def test_without_enough_reference_clips_there_is_a_score_and_no_verdict(calibration):
    reference = Reference(calibration, false_alarm_rate=0.05)
    assert reference.threshold is None
    assert not reference.is_alarm(reference.p_value([99.0]))
    assert (reference.p_value([99.0]) is None) == (calibration is None)
    result = with_verdict(SyncResult(score=99.0, offset_evidence=1.0), reference)
    assert result.verdict == "not_judged"


def test_a_scorer_takes_over_the_rules_of_the_reference_clips():
    def nothing(*_):
        return ()

    scorer = Scorer({}, nothing, nothing, 15, frame_score="logit", pooling="mean")
    scorer = REFERENCE.apply_rules(scorer)
    assert (scorer.frame_score, scorer.pooling) == ("nll", "logmeanexp")
    without = Reference(None, false_alarm_rate=0.05).apply_rules(scorer)
    assert without == scorer


@pytest.mark.parametrize(
    ("known", "verdict", "is_certain"),
    [
        (scored(0.5), "consistent", True),
        (scored(3.0), "mismatched", True),
        (scored(3.0, evidence=-0.1), "mismatched", False),
        (scored(3.0, evidence=0.0), "mismatched", False),
        (scored(3.0, offset=5, realigned=0.5), "out_of_sync", True),
        (scored(3.0, offset=-5, realigned=0.5), "out_of_sync", True),
        (scored(0.5, offset=2, realigned=0.1), "out_of_sync", True),
        # The best of many offsets must fit well, not just escape the alarm.
        (scored(3.0, offset=5, realigned=0.92), "mismatched", False),
        (scored(3.0, offset=5, realigned=2.5), "mismatched", False),
        # An offset with little gain over in sync is not certain.
        (scored(3.0, offset=5, realigned=0.5, gain=20.0), "mismatched", False),
        (scored(0.5, offset=5, realigned=0.6), "consistent", False),
        # Real clips are off by up to one frame, which explains no mismatch.
        (scored(3.0, offset=1, realigned=0.5), "mismatched", True),
        (scored(3.0, offsets=(0, 6), realigned=0.5), "out_of_sync", True),
        # With an offset that keeps changing, any sound fits.
        (scored(3.0, offsets=(0, 6, -3), realigned=0.5), "mismatched", False),
    ],
)
def test_a_certain_offset_distinguishes_out_of_sync_from_mismatched(known, verdict, is_certain):
    assert (known.verdict, known.offset_is_certain) == (verdict, is_certain)
    assert known.to_json()["offset_is_certain"] == is_certain


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1])
def test_a_false_alarm_rate_lies_between_0_and_1(rate):
    with pytest.raises(ValueError, match="between 0 and 1"):
        Reference(CALIBRATION, false_alarm_rate=rate)


def test_an_unknown_trimming_rule_is_an_error():
    with pytest.raises(ValueError, match="did you mean 'leading'"):
        Reference({**CALIBRATION, "trim": "leadin"}, false_alarm_rate=0.05)
