"""Metrics of many samples at once equal those of scikit-learn on the clips of each sample."""

from functools import partial

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve
from sklearn.utils.class_weight import compute_sample_weight

from avsync.metrics import curves, resampling


def balanced(scores, is_fake):
    weights = compute_sample_weight("balanced", is_fake)
    return average_precision_score(is_fake, scores, sample_weight=weights)


def equal_error_rate(scores, is_fake):
    real, fake, _ = roc_curve(is_fake, scores, drop_intermediate=False)
    return np.interp(0, real + fake - 1, real)


def tpr_at_fpr(scores, is_fake, *, max_fpr):
    real, fake, _ = roc_curve(is_fake, scores, drop_intermediate=False)
    return fake[real <= max_fpr].max()


SCIKIT_LEARN = {
    "auc": lambda scores, is_fake: roc_auc_score(is_fake, scores),
    "average_precision": lambda scores, is_fake: average_precision_score(is_fake, scores),
    "balanced_average_precision": balanced,
    "equal_error_rate": equal_error_rate,
    "tpr_at_1_fpr": partial(tpr_at_fpr, max_fpr=0.01),
    "tpr_at_5_fpr": partial(tpr_at_fpr, max_fpr=0.05),
}


# A deadline would measure the machine's load.
@settings(deadline=None, max_examples=30)
@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.booleans(), st.sampled_from("abcd")),
        min_size=2,
        max_size=60,
    )
)
@pytest.mark.parametrize("name", curves.Metrics._fields)
def test_every_resample_equals_scikit_learn_on_the_clips_it_drew(name, clips):
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
        values = getattr(curves.measure(order, times_drawn), name)
        for times, value in zip(times_drawn, values, strict=True):
            drawn = np.repeat(np.arange(len(clips)), times)
            expected = SCIKIT_LEARN[name](scores[drawn], is_fake[drawn])
            assert value == pytest.approx(expected, abs=1e-12)


def test_a_sample_has_the_same_metrics_among_many_as_alone():
    rng = np.random.default_rng(0)
    scores, is_fake = rng.integers(20, size=70).astype(float), np.arange(70) % 3 > 0
    order = curves.descending(scores, is_fake)
    num_samples = 2 * curves.SAMPLES_AT_ONCE + 5
    (times_drawn,) = resampling.over_clips(is_fake, num_resamples=num_samples, seed=0)
    alone = [curves.measure(order, times[None]) for times in times_drawn]
    assert (np.concatenate(alone, axis=1) == curves.measure(order, times_drawn)).all()


def test_a_sample_without_a_class_has_no_auc():
    order = curves.descending(np.array([2.0, 3.0, 1.0]), np.array([0, 1, 1], bool))
    sample = curves.measure(order, np.array([[1, 1, 1], [0, 2, 1], [3, 0, 0]]))
    assert sample.auc[0] == 0.5
    assert np.isnan(sample.auc[1:]).all()


def test_a_score_that_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="1 of 2 are not finite"):
        curves.descending(np.array([np.nan, 1.0]), np.array([True, False]))
