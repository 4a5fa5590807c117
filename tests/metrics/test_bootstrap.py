"""Intervals are exact on each resample, repeatable, as wide as they should be, or said to lack."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from avsync.metrics import bootstrap, ranking


def normal_clips(num: int, *, gap: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Half reals, half fakes, whose scores are normal and `gap` standard deviations apart."""
    is_fake = np.arange(num) % 2 == 1
    return np.random.default_rng(seed).normal(size=num) + gap * is_fake, is_fake


# A deadline would measure the machine's load.
@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=2, max_size=25))
def test_every_resample_equals_scikit_learn_on_the_clips_it_drew(clips):
    scores = np.array([score for score, _ in clips], float)
    is_fake = np.array([fake for _, fake in clips])
    assume(0 < is_fake.sum() < len(is_fake))
    ranked = ranking.ranks(scores, is_fake)
    values = np.unique(scores)
    for ((num_real, num_fake),) in bootstrap.resampled_counts(ranked, num_resamples=7, seed=3):
        aucs = ranking.auc_of_counts(num_real, num_fake)
        precisions = ranking.average_precision_of_counts(num_real, num_fake)
        for real, fake, auc, precision in zip(num_real, num_fake, aucs, precisions, strict=True):
            drawn = np.concatenate([np.repeat(values, real), np.repeat(values, fake)])
            labels = np.repeat([0, 1], [real.sum(), fake.sum()])
            assert auc == pytest.approx(roc_auc_score(labels, drawn))
            assert precision == pytest.approx(average_precision_score(labels, drawn))


def test_a_resample_has_as_many_reals_and_fakes_as_the_test_set():
    ranked = ranking.ranks(np.arange(10.0), np.arange(10) < 3)
    (((num_real, num_fake),),) = bootstrap.resampled_counts(ranked, num_resamples=20, seed=0)
    assert (num_real.sum(axis=1) == 7).all()
    assert (num_fake.sum(axis=1) == 3).all()


def test_the_same_seed_gives_the_same_interval_and_another_seed_nearly_the_same():
    clips = normal_clips(200, gap=1.0)
    first, again = (bootstrap.ranking_quality(*clips) for _ in range(2))
    other = bootstrap.ranking_quality(*clips, seed=1)
    assert first == again
    assert other.auc.low != first.auc.low
    assert other.auc.low == pytest.approx(first.auc.low, abs=0.01)


def test_the_interval_is_as_wide_as_theory_says():
    auc = bootstrap.ranking_quality(*normal_clips(400, gap=0.0)).auc
    # Of unrelated scores the variance of the area is (r + f + 1) / (12 r f) (Mann & Whitney, 1947).
    deviation = np.sqrt(401 / (12 * 200 * 200))
    assert auc.high - auc.low == pytest.approx(2 * 1.96 * deviation, rel=0.1)
    assert auc.low < 0.5 < auc.high


def test_more_clips_than_fit_a_chunk_are_still_resampled_as_often_as_asked():
    ranked = ranking.ranks(*normal_clips(200_000, gap=1.0))
    chunks = [
        len(real) for ((real, _),) in bootstrap.resampled_counts(ranked, num_resamples=3, seed=0)
    ]
    assert chunks == [1, 1, 1]


def test_fakes_above_all_reals_leave_no_doubt_in_any_resample():
    quality = bootstrap.ranking_quality(np.arange(8.0), np.arange(8) >= 4)
    assert quality.auc == bootstrap.Estimate(1.0, 1.0, 1.0)
    assert quality.average_precision == bootstrap.Estimate(1.0, 1.0, 1.0)


def test_a_constant_score_is_chance_and_says_why():
    auc = bootstrap.ranking_quality(np.zeros(6), np.arange(6) >= 4).auc
    assert auc == bootstrap.Estimate(0.5, 0.5, 0.5, "all scores are equal")


@pytest.mark.parametrize(
    ("labels", "note"),
    [
        ([True, True], "no real clips"),
        ([False], "no fake clips"),
        ([], "no real and no fake clips"),
    ],
)
def test_without_a_class_there_is_no_number_but_a_reason(labels, note):
    is_fake = np.array(labels, bool)
    scores = np.arange(len(labels), dtype=float)
    nothing = bootstrap.Estimate(None, None, None, note)
    assert bootstrap.ranking_quality(scores, is_fake) == (nothing, nothing)
    assert bootstrap.paired_auc_change(scores, scores, is_fake) == nothing


def test_a_single_clip_of_a_class_has_a_point_and_no_interval():
    scores, is_fake = np.array([1.0, 2.0, 3.0]), np.array([False, True, False])
    expected = bootstrap.Estimate(0.5, None, None, "only one fake clip: no interval")
    assert bootstrap.ranking_quality(scores, is_fake).auc == expected
    change = bootstrap.paired_auc_change(scores, -scores, is_fake)
    assert (change.value, change.low) == (0.0, None)


def test_a_score_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="1 of 2 are not finite"):
        bootstrap.ranking_quality(np.array([np.nan, 1.0]), np.array([True, False]))


def test_a_score_compared_with_itself_has_not_changed_in_any_resample():
    scores, is_fake = normal_clips(60, gap=1.0)
    assert bootstrap.paired_auc_change(scores, scores, is_fake) == (0.0, 0.0, 0.0, "")


def test_pairing_sees_a_small_change_that_two_separate_intervals_would_hide():
    before, is_fake = normal_clips(300, gap=1.0)
    after = before - 0.1 * is_fake  # every fake a little less suspicious
    change = bootstrap.paired_auc_change(before, after, is_fake)
    expected = ranking.auc(before, is_fake) - ranking.auc(after, is_fake)
    assert change.value == pytest.approx(expected)
    assert change.low > 0
    alone = bootstrap.ranking_quality(before, is_fake).auc
    assert change.high - change.low < (alone.high - alone.low) / 3


def test_shuffled_labels_are_at_chance():
    scores, is_fake = normal_clips(2_000, gap=3.0)
    shuffled = np.random.default_rng(1).permutation(is_fake)
    auc = bootstrap.ranking_quality(scores, shuffled, num_resamples=500).auc
    assert auc.low < 0.5 < auc.high
