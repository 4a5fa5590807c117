"""Ranking metrics on clips few enough to count, and the input that they refuse."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avsync.metrics import curves, ranking

# A deadline would measure the machine's load.
without_deadline = settings(deadline=None, max_examples=50)


def of_clips(name, scores, is_fake):
    """The metric of that name of clips that each count once."""
    order = curves.descending(scores, is_fake)
    (value,) = getattr(curves.measure(order, np.ones((1, len(scores)), int)), name)
    return value


average_precision = partial(of_clips, "average_precision")
balanced_average_precision = partial(of_clips, "balanced_average_precision")
equal_error_rate = partial(of_clips, "equal_error_rate")


METRICS = [
    ranking.auc,
    average_precision,
    balanced_average_precision,
    equal_error_rate,
    partial(of_clips, "tpr_at_5_fpr"),
]


@st.composite
def scored_clips(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """A few clips of both classes, with scores that often tie."""
    is_fake = draw(
        st.lists(st.booleans(), min_size=2, max_size=30).filter(lambda x: 0 < sum(x) < len(x))
    )
    scores = draw(st.lists(st.integers(-3, 3), min_size=len(is_fake), max_size=len(is_fake)))
    return np.array(scores) / 4, np.array(is_fake)


@without_deadline
@given(scored_clips())
@pytest.mark.parametrize("metric", METRICS)
def test_only_the_order_of_the_scores_matters(metric, clips):
    scores, is_fake = clips
    for increasing in (np.exp(scores) - 7, 3 * scores + 1, scores**3):
        assert metric(increasing, is_fake) == metric(scores, is_fake)


@without_deadline
@given(scored_clips())
def test_negating_a_score_mirrors_its_auc(clips):
    scores, is_fake = clips
    assert ranking.auc(-scores, is_fake) == pytest.approx(1 - ranking.auc(scores, is_fake))


@without_deadline
@given(scored_clips())
def test_negating_score_and_labels_keeps_the_equal_error_rate(clips):
    scores, is_fake = clips
    turned = equal_error_rate(-scores, ~is_fake)
    assert turned == pytest.approx(equal_error_rate(scores, is_fake))


@without_deadline
@given(scored_clips())
def test_balanced_precision_equals_the_precision_after_copying_clips_to_equal_classes(clips):
    scores, is_fake = clips
    num_real, num_fake = int(np.sum(~is_fake)), int(np.sum(is_fake))
    copies = np.where(is_fake, num_real, num_fake)
    even = average_precision(np.repeat(scores, copies), np.repeat(is_fake, copies))
    assert balanced_average_precision(scores, is_fake) == pytest.approx(even)


def test_fakes_above_all_real_clips_rank_perfectly():
    scores, is_fake = np.array([0.1, 0.2, 0.8, 0.9]), np.array([False, False, True, True])
    assert ranking.auc(scores, is_fake) == 1.0
    assert average_precision(scores, is_fake) == 1.0
    assert balanced_average_precision(scores, is_fake) == 1.0
    assert equal_error_rate(scores, is_fake) == 0.0
    assert of_clips("tpr_at_1_fpr", scores, is_fake) == 1.0


def test_a_real_clip_above_one_of_two_fakes_halves_the_auc():
    scores, is_fake = np.array([0.2, 0.5, 0.9]), np.array([True, False, True])
    assert ranking.auc(scores, is_fake) == 0.5
    # Precision 1 at the first fake, 2/3 at the second, each with half of the recall.
    assert average_precision(scores, is_fake) == pytest.approx((1 + 2 / 3) / 2)


def test_a_constant_score_is_at_chance():
    scores, is_fake = np.zeros(5), np.array([True, False, False, False, False])
    assert ranking.auc(scores, is_fake) == 0.5
    assert average_precision(scores, is_fake) == pytest.approx(0.2)
    assert balanced_average_precision(scores, is_fake) == pytest.approx(0.5)
    assert equal_error_rate(scores, is_fake) == 0.5
    assert of_clips("tpr_at_5_fpr", scores, is_fake) == 0.0


def test_the_equal_error_rate_is_where_the_roc_curve_has_equal_errors():
    # From the top: fake, real, fake, real, real, fake. After three clips, one of three real clips
    # passes and one of three fakes does not.
    scores = np.array([6.0, 5.0, 4.0, 3.0, 2.0, 1.0])
    is_fake = np.array([True, False, True, False, False, True])
    assert equal_error_rate(scores, is_fake) == pytest.approx(1 / 3)
    # No threshold misses a third of two fakes; the curve passes there in the step at 1/3 FPR.
    assert equal_error_rate(scores[:5], is_fake[:5]) == pytest.approx(1 / 3)


def test_the_allowed_false_positives_are_whole_clips():
    # From the top: fake, real, fake, 19 real: one false positive in twenty admits the second fake.
    scores = -np.arange(22.0)
    is_fake = np.isin(np.arange(22), [0, 2])
    assert of_clips("tpr_at_5_fpr", scores, is_fake) == 1.0
    assert of_clips("tpr_at_5_fpr", scores[:21], is_fake[:21]) == 0.5
    assert of_clips("tpr_at_1_fpr", scores, is_fake) == 0.5


def test_clips_of_equal_score_pass_a_threshold_together():
    scores = np.concatenate([[2.0, 2.0], np.zeros(19)])
    is_fake = np.arange(21) == 0
    assert of_clips("tpr_at_5_fpr", scores, is_fake) == 1.0
    assert of_clips("tpr_at_5_fpr", scores[:20], is_fake[:20]) == 0.0


@pytest.mark.parametrize(("is_fake", "missing"), [(True, "real"), (False, "fake")])
def test_a_single_class_cannot_be_ranked(is_fake, missing):
    with pytest.raises(ValueError, match=f"there is no {missing} clip"):
        ranking.auc(np.array([0.1, 0.2]), np.array([is_fake, is_fake]))


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_a_score_that_is_not_finite_is_named_by_its_index(broken):
    with pytest.raises(ValueError, match=rf"1 of 3 .* the first is {broken} at index 1"):
        ranking.auc(np.array([0.1, broken, 0.3]), np.array([True, False, True]))
