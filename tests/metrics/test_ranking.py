"""The ranking metrics agree with scikit-learn, and refuse what has no answer."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from avsync.metrics import ranking

# A deadline would measure the machine's load.
in_no_hurry = settings(deadline=None, max_examples=50)


@st.composite
def scored_clips(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """A few clips of both classes, with scores that often tie."""
    is_fake = draw(
        st.lists(st.booleans(), min_size=2, max_size=30).filter(lambda x: 0 < sum(x) < len(x))
    )
    scores = draw(st.lists(st.integers(-3, 3), min_size=len(is_fake), max_size=len(is_fake)))
    return np.array(scores) / 4, np.array(is_fake)


@in_no_hurry
@given(scored_clips())
def test_ties_count_as_in_scikit_learn(clips):
    scores, is_fake = clips
    assert ranking.auc(scores, is_fake) == pytest.approx(roc_auc_score(is_fake, scores))
    expected = average_precision_score(is_fake, scores)
    assert ranking.average_precision(scores, is_fake) == pytest.approx(expected)


@in_no_hurry
@given(scored_clips())
def test_only_the_order_of_the_scores_matters(clips):
    scores, is_fake = clips
    assert ranking.auc(np.exp(scores) - 7, is_fake) == ranking.auc(scores, is_fake)


@in_no_hurry
@given(scored_clips())
def test_turning_a_score_round_turns_its_area_round(clips):
    scores, is_fake = clips
    assert ranking.auc(-scores, is_fake) == pytest.approx(1 - ranking.auc(scores, is_fake))


def test_fakes_above_all_reals_rank_perfectly():
    scores, is_fake = np.array([0.1, 0.2, 0.8, 0.9]), np.array([False, False, True, True])
    assert ranking.auc(scores, is_fake) == 1.0
    assert ranking.average_precision(scores, is_fake) == 1.0


def test_one_real_above_one_of_two_fakes_costs_half_the_area():
    scores, is_fake = np.array([0.2, 0.5, 0.9]), np.array([True, False, True])
    assert ranking.auc(scores, is_fake) == 0.5
    # Precision 1 at the first fake, 2/3 at the second, each with half of the recall.
    assert ranking.average_precision(scores, is_fake) == pytest.approx((1 + 2 / 3) / 2)


def test_a_constant_score_is_chance():
    scores, is_fake = np.zeros(5), np.array([True, False, False, False, False])
    assert ranking.auc(scores, is_fake) == 0.5
    assert ranking.average_precision(scores, is_fake) == pytest.approx(0.2)


@pytest.mark.parametrize("metric", [ranking.auc, ranking.average_precision])
@pytest.mark.parametrize(("is_fake", "missing"), [(True, "real"), (False, "fake")])
def test_one_class_alone_cannot_be_ranked(metric, is_fake, missing):
    with pytest.raises(ValueError, match=f"there is no {missing} clip"):
        metric(np.array([0.1, 0.2]), np.array([is_fake, is_fake]))


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_a_score_that_is_no_number_is_named_by_its_index(broken):
    with pytest.raises(ValueError, match=rf"1 of 3 .* the first is {broken} at index 1"):
        ranking.auc(np.array([0.1, broken, 0.3]), np.array([True, False, True]))
