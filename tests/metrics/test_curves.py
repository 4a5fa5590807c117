"""Metrics of many samples at once equal those of scikit-learn on the clips of each sample."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from avsync.metrics import curves, ranking, resampling

PAIRS = {
    "auc": (curves.auc, ranking.auc),
    "average_precision": (curves.average_precision, ranking.average_precision),
    "balanced_average_precision": (
        curves.balanced_average_precision,
        ranking.balanced_average_precision,
    ),
    "equal_error_rate": (curves.equal_error_rate, ranking.equal_error_rate),
    "tpr_at_fpr": (
        lambda sample: curves.tpr_at_fpr(sample, max_fpr=0.25),
        lambda scores, is_fake: ranking.tpr_at_fpr(scores, is_fake, max_fpr=0.25),
    ),
}


# A deadline would measure the machine's load.
@settings(deadline=None, max_examples=30)
@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.booleans(), st.sampled_from("abcd")),
        min_size=2,
        max_size=25,
    )
)
@pytest.mark.parametrize("name", PAIRS)
def test_every_resample_equals_scikit_learn_on_the_clips_it_drew(name, clips):
    of_samples, of_clips = PAIRS[name]
    scores = np.array([score for score, _, _ in clips], float)
    is_fake = np.array([fake for _, fake, _ in clips])
    speakers = [speaker for _, _, speaker in clips]
    assume(0 < is_fake.sum() < len(is_fake))
    order = curves.descending(scores, is_fake)
    chunks = [
        np.ones((1, len(clips)), int),  # the test set itself
        *resampling.over_clips(is_fake, num_resamples=4, seed=3),
        *resampling.over_identities(is_fake, speakers, num_resamples=4, seed=3),
    ]
    for times_drawn in chunks:
        values = of_samples(curves.curves(order, times_drawn))
        for times, value in zip(times_drawn, values, strict=True):
            drawn = np.repeat(np.arange(len(clips)), times)
            assert value == pytest.approx(of_clips(scores[drawn], is_fake[drawn]), abs=1e-12)


def test_a_curve_counts_the_clips_at_or_above_each_score():
    # Descending: a fake and a real at 3, a real at 2 that counts twice, a fake at 1.
    order = curves.descending(np.array([2.0, 3.0, 1.0, 3.0]), np.array([0, 1, 1, 0], bool))
    sample = curves.curves(order, np.array([[2, 1, 1, 1]]))
    assert sample.real.tolist() == [[0, 1, 3, 3]]
    assert sample.fake.tolist() == [[0, 1, 1, 2]]


def test_a_score_that_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="1 of 2 are not finite"):
        curves.descending(np.array([np.nan, 1.0]), np.array([True, False]))
