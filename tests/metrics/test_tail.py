"""P-values beyond all calibration scores: where they begin, and that they hold."""

import numpy as np
import pytest

from avsync.metrics.calibration import p_values
from avsync.metrics.tail import tail_p_values


def pareto(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return np.exp(rng.exponential(0.4, shape))


def test_up_to_the_largest_score_p_values_are_those_of_the_ranks():
    calibration = pareto(np.random.default_rng(0), 99)
    np.testing.assert_array_equal(
        tail_p_values(calibration, calibration=calibration),
        p_values(calibration, calibration=calibration),
    )


def test_beyond_it_they_fall_below_the_rank_and_keep_falling():
    calibration = pareto(np.random.default_rng(0), 99)
    beyond = calibration.max() * np.array([1.001, 1.5, 3, 10, 100])
    found = tail_p_values(beyond, calibration=calibration)
    assert found[0] <= 1 / 100
    assert (np.diff(found) < 0).all()
    assert 0 < found[-1] < 1e-3


def test_on_scores_of_a_pareto_tail_they_hold_on_average_far_beyond_the_ranks():
    rng = np.random.default_rng(1)
    calibrations, new = pareto(rng, 2000, 99), pareto(rng, 2000, 100)
    found = np.concatenate(
        [
            tail_p_values(scores, calibration=known)
            for scores, known in zip(new, calibrations, strict=True)
        ]
    )
    for level in (0.05, 0.01, 0.003, 0.001):
        assert np.mean(found <= level) == pytest.approx(level, rel=0.3)


@pytest.mark.parametrize(
    "calibration", [np.arange(1.0, 30), np.arange(-1.0, 60), np.ones(99)], ids=str
)
def test_few_negative_or_equal_scores_have_no_tail(calibration):
    found = tail_p_values(np.array([1e6]), calibration=calibration)
    assert found == pytest.approx(1 / (len(calibration) + 1))
