"""False-alarm rates meet their targets: counted for few clips, simulated for many."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avsync.metrics import calibration

FOUR_REALS = np.array([2.0, 1.0, 4.0, 3.0])


def test_the_p_value_is_the_share_of_real_clips_that_score_as_high():
    p = calibration.p_values(np.array([5.0, 4.0, 2.5, 1.0, 0.0]), calibration=FOUR_REALS)
    # Shares of five, the clip included: the clip alone, with the 4, with the 3 and the 4, ...
    assert p.tolist() == [1 / 5, 2 / 5, 3 / 5, 5 / 5, 5 / 5]


def test_the_threshold_is_the_k_th_largest_calibration_score():
    # k = floor(rate * 5): the largest, the second largest, the smallest.
    for rate, score in ((0.2, 4.0), (0.39, 4.0), (0.4, 3.0), (0.8, 1.0), (0.99, 1.0)):
        assert calibration.threshold(FOUR_REALS, false_alarm_rate=rate) == score


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=30),
    st.integers(0, 5),
    st.integers(1, 99),
)
def test_a_score_above_the_threshold_has_a_p_value_of_at_most_the_rate(reals, score, rate):
    scores = np.array(reals, float)
    p = calibration.p_values(np.array([float(score)]), calibration=scores)[0]
    try:
        is_alarm = score > calibration.threshold(scores, false_alarm_rate=rate / 100)
    except ValueError:
        is_alarm = False  # too few clips: not even 1 / (c + 1) is as small as the rate
    # In whole numbers: (1 + #) * 100 <= rate * (c + 1).
    assert is_alarm == (round(p * (len(reals) + 1)) * 100 <= rate * (len(reals) + 1))


def test_too_few_clips_for_a_rate_are_refused_with_the_number_needed():
    with pytest.raises(ValueError, match=r"with 18 calibration clips: it takes 19, .* least 1/19"):
        calibration.threshold(np.arange(18.0), false_alarm_rate=0.05)
    assert calibration.threshold(np.arange(19.0), false_alarm_rate=0.05) == 18.0
    with pytest.raises(ValueError, match=r"must lie between 0 and 1, got 5\.0"):
        calibration.threshold(FOUR_REALS, false_alarm_rate=5.0)


def test_the_rate_is_used_as_written():
    # 0.29 * 100 is 28.999999999999996 in floating point.
    assert calibration.num_allowed(99, false_alarm_rate=0.29) == 29


def draws(num_sets: int, num_clips: int, *, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).exponential(size=(num_sets, num_clips))


def test_p_values_of_real_clips_are_uniform():
    reals, new = draws(4_000, 19, seed=0), draws(4_000, 1, seed=1)
    p = np.concatenate(
        [calibration.p_values(s, calibration=c) for s, c in zip(new, reals, strict=True)]
    )
    # Each of the 20 possible values is expected 200 times, with a standard deviation of 14.
    counts = np.bincount(np.rint(p * 20).astype(int), minlength=21)[1:]
    assert counts.min() > 200 - 4 * 14
    assert counts.max() < 200 + 4 * 14


def test_ties_never_make_p_values_smaller():
    reals, new = np.floor(draws(2_000, 30, seed=2)), np.floor(draws(2_000, 1, seed=3))
    p = np.concatenate(
        [calibration.p_values(s, calibration=c) for s, c in zip(new, reals, strict=True)]
    )
    for rate in (0.05, 0.1, 0.2, 0.5):
        assert np.mean(p <= rate) <= rate + 3 * np.sqrt(rate * (1 - rate) / 2_000)


def test_the_rate_holds_on_average_and_varies_between_sets_as_predicted():
    reals = draws(3_000, 50, seed=4)
    thresholds = [calibration.threshold(row, false_alarm_rate=0.1) for row in reals]
    realised = np.exp(-np.array(thresholds))  # the share of endless new real clips above
    expected = calibration.realised_rate(50, false_alarm_rate=0.1)
    # Five of 51: the largest multiple of 1/51 below 0.1.
    assert expected.mean == pytest.approx(5 / 51)
    assert np.mean(realised) == pytest.approx(5 / 51, abs=0.003)
    within = np.mean((expected.low <= realised) & (realised <= expected.high))
    assert within == pytest.approx(0.95, abs=0.015)


def test_more_calibration_clips_narrow_the_interval_of_the_rate():
    few, many = (calibration.realised_rate(n, false_alarm_rate=0.05) for n in (39, 3_999))
    assert few.mean == many.mean == pytest.approx(0.05)
    assert few.low < many.low < 0.05 < many.high < few.high
    assert many.high - many.low < 0.02


def test_false_alarms_on_held_out_clips_are_as_many_as_predicted():
    reals, others = draws(400, 99, seed=5), draws(400, 40, seed=6)
    within = 0
    for known, held_out in zip(reals, others, strict=True):
        seen = calibration.held_out_alarms(held_out, calibration=known, false_alarm_rate=0.05)
        within += seen.expected.low <= seen.rate <= seen.expected.high
    assert seen.expected.mean == pytest.approx(5 / 100)
    # At least 95 %: more, because false alarms are whole numbers.
    assert 0.94 <= within / 400 < 1


def test_real_clips_of_another_kind_exceed_the_interval():
    known = np.arange(99.0)
    seen = calibration.held_out_alarms(
        np.arange(90.0, 130.0), calibration=known, false_alarm_rate=0.05
    )
    # Above the fifth largest, 94: all but 90, 91, 92, 93 and 94.
    assert (seen.num_alarms, seen.num_real, seen.rate) == (35, 40, 35 / 40)
    assert seen.rate > seen.expected.high


@pytest.mark.parametrize(
    ("scores", "message"),
    [([], "needs the scores of real clips; there are none"), ([np.nan], "1 of 1 are not finite")],
)
def test_a_calibration_without_finite_scores_is_refused(scores, message):
    reals = np.array(scores, float)
    with pytest.raises(ValueError, match=message):
        calibration.p_values(np.ones(1), calibration=reals)
    with pytest.raises(ValueError, match=message):
        calibration.threshold(reals, false_alarm_rate=0.05)


def test_no_held_out_clips_are_refused():
    with pytest.raises(ValueError, match="no held-out real clips"):
        calibration.held_out_alarms(np.zeros(0), calibration=np.arange(99.0), false_alarm_rate=0.05)
