"""P-values, thresholds, certainty of offsets and domain, on scores checked by eye."""

import numpy as np
import pytest

from avsync.metrics import domain
from avsync.scoring.scorer import Scorer
from avsync.scoring.video.reference import DEFAULT_NATS, Reference
from tests.scoring.video.results import CALIBRATION, REFERENCE, scored

VERDICT = {
    **{"frame": "near_nll", "pooling": "window", "is_speech_only": True},
    **{"scores": np.linspace(0.1, 2, 99).tolist(), "unrelated_nats": np.arange(1.0, 100).tolist()},
    **{"mouths": None, "voices": None},
}
NEW = Reference({**CALIBRATION, "num_frames": 75, "verdict": VERDICT}, false_alarm_rate=0.05)


def test_a_p_value_counts_the_reference_clips_that_score_at_least_as_high():
    assert scored(2.0).p_value == pytest.approx(1 / 100)
    assert scored(0.0).p_value == 1


def test_one_forged_piece_and_a_half_of_forged_pieces_alarm_and_real_files_do_not():
    real = [0.3] * 19
    assert not NEW.is_alarm(NEW.p_value(real))
    assert NEW.is_alarm(NEW.p_value([*real, 50.0]))
    assert NEW.is_alarm(NEW.p_value([*real, *[1.99] * 20]))
    assert NEW.rejected([*real, 50.0]).tolist() == [False] * 19 + [True]
    assert not NEW.rejected(real).any()


@pytest.mark.parametrize("num_own", [1, 20])
def test_real_files_keep_the_rate_whether_their_pieces_are_alike_or_not(num_own):
    rng = np.random.default_rng(0)
    own = rng.uniform(0.1, 2, (4_000, num_own))
    p_values = [NEW.p_value(np.repeat(pieces, 20 // num_own).tolist()) for pieces in own]
    assert np.mean(np.array(p_values, float) <= 0.05) <= 0.06


def test_as_many_reference_clips_exceed_the_threshold_as_the_false_alarm_rate_allows():
    scores = CALIBRATION["scores"]
    alarms = [score for score in scores if REFERENCE.is_alarm(REFERENCE.p_value([score]))]
    assert len(alarms) == 4  # with the new clip 5 of 100


def test_only_the_threshold_of_windows_is_one_for_frames():
    assert NEW.frame_threshold == NEW.threshold
    assert REFERENCE.threshold is not None
    assert REFERENCE.frame_threshold is None


@pytest.mark.parametrize("calibration", [None, {**CALIBRATION, "scores": [1.0] * 18}])
def test_without_enough_reference_clips_there_is_no_threshold(calibration):
    reference = Reference(calibration, false_alarm_rate=0.05)
    assert reference.threshold is None
    assert not reference.is_alarm(reference.p_value([99.0]))
    assert not reference.rejected([99.0, 0.0]).any()
    assert (reference.p_value([99.0]) is None) == (calibration is None)


def test_a_scorer_takes_over_the_rules_of_the_reference_clips():
    def nothing(*_):
        return ()

    scorer = Scorer({}, nothing, nothing, 15, frame_score="logit", pooling="mean")
    new, old = (reference.apply_rules(scorer) for reference in (NEW, REFERENCE))
    assert (new.frame_score, new.pooling) == ("near_nll", "window")
    assert (old.frame_score, old.pooling) == ("nll", "logmeanexp")
    assert Reference(None, false_alarm_rate=0.05).apply_rules(scorer) == scorer


def test_calibrations_say_whether_only_speech_counts_and_whether_there_is_any():
    silent = {**VERDICT, "is_speech_only": False}
    without = Reference({**CALIBRATION, "verdict": silent}, false_alarm_rate=0.05)
    found = [(r.is_speech_only, r.needs_speech) for r in (NEW, REFERENCE, without)]
    assert found == [(True, True), (False, True), (False, False)]


def test_an_offset_needs_more_evidence_in_longer_files_and_less_in_shorter_ones():
    # 5 of 99 clips with the sound of another one have 95 nats or more.
    assert NEW.min_offset_nats(75) == 95
    assert NEW.min_offset_nats(4 * 75) == 95
    assert NEW.min_offset_nats(16 * 75) == 2 * 95
    assert NEW.min_offset_nats(75 // 3) == pytest.approx(95 / 3**0.5)
    assert REFERENCE.min_offset_nats(75) == DEFAULT_NATS


def test_mouths_beyond_the_threshold_are_unlike_those_of_the_reference_clips():
    rng = np.random.default_rng(0)
    model = domain.fit([rng.normal(size=(12, 20)) for _ in range(40)])
    assert model is not None
    entry = {**VERDICT, "mouths": model.to_json()}
    reference = Reference({**CALIBRATION, "verdict": entry}, false_alarm_rate=0.05)
    far, near = np.full(12, 2 * model.threshold), np.full(12, 0.5 * model.threshold)
    assert reference.unlike({"mouths": far}) == ("mouths",)
    assert reference.unlike({"mouths": near, "voices": far}) == ()
    assert NEW.unlike({"mouths": far}) == ()


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1])
def test_a_false_alarm_rate_lies_between_0_and_1(rate):
    with pytest.raises(ValueError, match="between 0 and 1"):
        Reference(CALIBRATION, false_alarm_rate=rate)


def test_an_unknown_trimming_rule_is_an_error():
    with pytest.raises(ValueError, match="did you mean 'leading'"):
        Reference({**CALIBRATION, "trim": "leadin"}, false_alarm_rate=0.05)


GROUPS = {"phone": np.linspace(5, 9, 30).tolist(), "studio": np.linspace(0.1, 2, 99).tolist()}
GROUPS["radio"] = GROUPS["phone"][:29]
BY_GROUP = {
    **CALIBRATION,
    "num_frames": 75,
    "verdict": {**VERDICT, "scores": [x for own in GROUPS.values() for x in own], "groups": GROUPS},
}


def of_group(name: str, *, rate: float = 0.05) -> Reference:
    return Reference(BY_GROUP, false_alarm_rate=rate, group=name)


def test_a_file_of_a_group_is_compared_with_the_clips_of_that_group_alone():
    pooled, studio, phone = of_group(""), of_group("studio"), of_group("phone")
    assert (pooled.num_clips, studio.num_clips, phone.num_clips) == (158, 99, 30)
    # 4 is far beyond the studio's clips and below all of those of phones.
    assert [each.is_alarm(each.p_value([4.0])) for each in (pooled, studio, phone)] == [
        False,
        True,
        False,
    ]
    assert phone.p_value([4.0]) == 1
    assert phone.group_entry() == {"name": "phone", "is_pooled": False, "num_clips": 30}
    assert pooled.group_entry() is None
    assert phone.clips == "reference clips of group phone"


@pytest.mark.parametrize(("name", "rate", "least"), [("radio", 0.05, 30), ("studio", 0.001, 999)])
def test_a_group_of_too_few_clips_is_compared_with_all_and_its_sentence_says_so(name, rate, least):
    reference = of_group(name, rate=rate)
    assert (reference.num_clips, reference.is_pooled) == (158, True)
    number = len(GROUPS[name])
    assert reference.clips == (
        f"reference clips of all groups (group {name} has {number}, fewer than {least})"
    )


def test_a_mistyped_group_is_an_error_and_names_the_nearest():
    with pytest.raises(ValueError, match="phone"):
        of_group("fone")
    with pytest.raises(ValueError, match="the calibration clips have no groups: calibrate with"):
        Reference(CALIBRATION, false_alarm_rate=0.05, group="phone")
