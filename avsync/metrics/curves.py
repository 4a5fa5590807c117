"""Ranking metrics of many samples of the same clips at once.

A sample holds how often each clip counts: once in the test set itself, several times or not at all
in a bootstrap resample. Going down the distinct scores, the real and fake clips at or above each
are counted, so that ties are exact: clips of equal score pass a threshold together. Each metric
equals that of scikit-learn on the clips drawn. Metrics depend on the order of the scores alone.

All metrics are computed in one pass: as NumPy operations on whole curves they took 8 times as long,
and scikit-learn's checks of every call half of the time of a report.
"""

from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Bool, Float, Int, Integer
from numba import njit

from avsync.metrics import ranking

# The false-positive rates of `Metrics.tpr_at_1_fpr` and `Metrics.tpr_at_5_fpr`.
LOW_FPR, HIGH_FPR = 0.01, 0.05


class Descending(NamedTuple):
    """The clips of each class, highest score first, and the number that pass each threshold.

    Thresholds are the distinct scores of both classes, highest first.
    """

    real: Int[np.ndarray, " r"]
    fake: Int[np.ndarray, " f"]
    num_real_passing: Int[np.ndarray, " thresholds"]
    num_fake_passing: Int[np.ndarray, " thresholds"]


class Metrics(NamedTuple):
    """Metrics of each sample: float64 [samples]. Fake is the positive class.

    Attributes:
      auc: the probability that a fake scores higher than a real clip, ties counting half.
      average_precision: the precision at each threshold, weighted by the recall that the threshold
        adds; in (0, 1]. At chance it is the share of fakes, so it compares only between test sets
        of the same mix.
      balanced_average_precision: the average precision if half of all clips were fake; 0.5 at
        chance for every mix. The sum over thresholds of (TPR - previous TPR) * TPR / (TPR + FPR).
      equal_error_rate: the rate at which false positives equal misses; 0 is best. Linearly
        interpolated: with few clips, or ties, no threshold itself may have equal errors.
      tpr_at_1_fpr, tpr_at_5_fpr: the share of fakes detected by the best threshold with an FPR of
        at most 1% or 5%. An actual threshold, not interpolated: with fewer than 100 (20) real clips
        it lies above them all. These real clips select it, so its FPR on new ones is somewhat
        higher.
    """

    auc: Float[np.ndarray, " samples"]
    average_precision: Float[np.ndarray, " samples"]
    balanced_average_precision: Float[np.ndarray, " samples"]
    equal_error_rate: Float[np.ndarray, " samples"]
    tpr_at_1_fpr: Float[np.ndarray, " samples"]
    tpr_at_5_fpr: Float[np.ndarray, " samples"]


def descending(scores: Float[np.ndarray, " n"], is_fake: Bool[np.ndarray, " n"]) -> Descending:
    """The order of the clips by score; ValueError if a score is not finite."""
    ranking.require_finite(scores)
    order = np.argsort(-scores, kind="stable")
    real, fake = order[~is_fake[order]], order[is_fake[order]]
    thresholds = np.unique(scores)[::-1]
    num_passing = (
        np.searchsorted(-scores[of_class], -thresholds, side="right") for of_class in (real, fake)
    )
    return Descending(real, fake, *num_passing)


def measure(order: Descending, times_drawn: Integer[np.ndarray, "samples n"]) -> Metrics:
    """The metrics of each sample; the AUC of one without clips of a class is NaN."""
    values = np.empty((len(Metrics._fields), len(times_drawn)))
    _measure(times_drawn, *order, values)
    return Metrics(*values)


# Compiled by numba, which knows no type checks.
@njit(cache=True, error_model="numpy")
@no_type_check
def _measure(times_drawn, real, fake, num_real_passing, num_fake_passing, values):
    """Fills `values`, a row for each field of `Metrics`, with those of every sample."""
    for row in range(len(times_drawn)):
        times = times_drawn[row]
        num_real, num_fake = 0.0, 0.0
        for clip in real:
            num_real += times[clip]
        for clip in fake:
            num_fake += times[clip]
        weight = num_fake / num_real
        double_wins, precision, balanced = 0.0, 0.0, 0.0
        equal_error_rate = -1.0
        few, more = 0.0, 0.0
        is_few, is_more = True, True
        next_real, next_fake = 0, 0
        reals, fakes = 0.0, 0.0  # that score at least the threshold
        for threshold in range(len(num_real_passing)):
            reals_before, fakes_before = reals, fakes
            while next_real < num_real_passing[threshold]:
                reals += times[real[next_real]]
                next_real += 1
            while next_fake < num_fake_passing[threshold]:
                fakes += times[fake[next_fake]]
                next_fake += 1
            double_wins += (reals - reals_before) * (fakes + fakes_before)
            if fakes > fakes_before:
                precision += (fakes - fakes_before) * fakes / (reals + fakes)
                balanced += (fakes - fakes_before) * fakes / (reals * weight + fakes)
            if equal_error_rate < 0:
                # FPR + TPR - 1, times both class sizes: rises through zero in whole numbers.
                high = reals * num_fake + fakes * num_real - num_real * num_fake
                if high >= 0:
                    low = reals_before * num_fake + fakes_before * num_real - num_real * num_fake
                    share = -low / (high - low)
                    between = reals_before + share * (reals - reals_before)
                    equal_error_rate = between / num_real
            if is_few:
                is_few = reals / num_real <= LOW_FPR
                few = fakes if is_few else few
            if is_more:
                is_more = reals / num_real <= HIGH_FPR
                more = fakes if is_more else more
        values[0, row] = double_wins / (2 * num_real * num_fake)
        values[1, row] = precision / num_fake
        values[2, row] = balanced / num_fake
        values[3, row] = equal_error_rate
        values[4, row] = few / num_fake
        values[5, row] = more / num_fake
