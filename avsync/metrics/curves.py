"""Ranking metrics of many samples of the same clips at once.

A sample holds how often each clip counts: once in the test set itself, several times or not at all
in a bootstrap resample. Going down the distinct scores, the real and fake clips at or above each
are counted, so that ties are exact: clips of equal score pass a threshold together. Each metric
equals that of scikit-learn on the clips drawn. Metrics depend on the order of the scores alone.

All metrics are computed in one pass: as NumPy operations on whole curves they took 8 times as long,
and scikit-learn's checks of every call half of the time of a report. The pass goes down the scores
of `SAMPLES_AT_ONCE` samples side by side, which a processor does in single instructions; one sample
after the other took 2.6 to 3.5 times as long.
"""

from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Bool, Float, Int, Integer
from numba import njit

from avsync.metrics import ranking

# The false-positive rates of `Metrics.tpr_at_1_fpr` and `Metrics.tpr_at_5_fpr`.
LOW_FPR, HIGH_FPR = 0.01, 0.05

# Fewer samples at a time cost as much as these: callers should measure multiples.
SAMPLES_AT_ONCE = 16

# Keeps 0 / 0 where no clip has been drawn yet at 0; all other denominators are larger.
_TINY = np.finfo(float).tiny


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


# Compiled by numba, which knows no type checks. Loops over `sample` have no branches and a fixed
# length: those become instructions on many samples.
@njit(cache=True, error_model="numpy")
@no_type_check
def _measure(times_drawn, real, fake, num_real_passing, num_fake_passing, values):
    """Fills `values`, a row for each field of `Metrics`, with those of every sample."""
    num_samples, num_clips = times_drawn.shape
    num_thresholds = len(num_real_passing)
    times = np.zeros((num_clips, SAMPLES_AT_ONCE), np.int32)
    # The clips drawn that pass each threshold; none passes the first row.
    real_counts = np.zeros((num_thresholds + 1, SAMPLES_AT_ONCE))
    fake_counts = np.zeros((num_thresholds + 1, SAMPLES_AT_ONCE))
    for first in range(0, num_samples, SAMPLES_AT_ONCE):
        num_here = min(SAMPLES_AT_ONCE, num_samples - first)
        for clip in range(num_clips):
            for sample in range(num_here):
                times[clip, sample] = times_drawn[first + sample, clip]
        _count_passing(times, real, num_real_passing, real_counts)
        _count_passing(times, fake, num_fake_passing, fake_counts)
        double_wins, precision, balanced = _sums(real_counts, fake_counts, num_fake_passing)
        for sample in range(num_here):
            num_real, num_fake = real_counts[-1, sample], fake_counts[-1, sample]
            values[0, first + sample] = double_wins[sample] / (2 * num_real * num_fake)
            values[1, first + sample] = precision[sample] / num_fake
            values[2, first + sample] = balanced[sample] / num_fake
            values[3, first + sample] = _equal_error_rate(
                real_counts[:, sample], fake_counts[:, sample]
            )
            few = fake_counts[_last_within(real_counts[:, sample], LOW_FPR), sample]
            more = fake_counts[_last_within(real_counts[:, sample], HIGH_FPR), sample]
            values[4, first + sample] = few / num_fake
            values[5, first + sample] = more / num_fake


@njit(cache=True)
@no_type_check
def _count_passing(times, of_class, num_passing, counts):
    """Fills `counts`, a row for each threshold below the first row, with the clips at or above."""
    clip = 0
    for threshold in range(len(num_passing)):
        for sample in range(SAMPLES_AT_ONCE):
            counts[threshold + 1, sample] = counts[threshold, sample]
        while clip < num_passing[threshold]:
            for sample in range(SAMPLES_AT_ONCE):
                counts[threshold + 1, sample] += times[of_class[clip], sample]
            clip += 1


@njit(cache=True, error_model="numpy")
@no_type_check
def _sums(real_counts, fake_counts, num_fake_passing):
    """Twice the fakes that win over real clips; the sums of both average precisions."""
    double_wins = np.zeros(SAMPLES_AT_ONCE)
    precision = np.zeros(SAMPLES_AT_ONCE)
    balanced = np.zeros(SAMPLES_AT_ONCE)
    weight = fake_counts[-1] / real_counts[-1]
    num_passing = 0
    for row in range(1, len(real_counts)):
        for sample in range(SAMPLES_AT_ONCE):
            new_reals = real_counts[row, sample] - real_counts[row - 1, sample]
            double_wins[sample] += new_reals * (
                fake_counts[row, sample] + fake_counts[row - 1, sample]
            )
        if num_fake_passing[row - 1] == num_passing:
            continue
        num_passing = num_fake_passing[row - 1]
        for sample in range(SAMPLES_AT_ONCE):
            real, fake = real_counts[row, sample], fake_counts[row, sample]
            found = (fake - fake_counts[row - 1, sample]) * fake
            precision[sample] += found / max(real + fake, _TINY)
            balanced[sample] += found / max(real * weight[sample] + fake, _TINY)
    return double_wins, precision, balanced


@njit(cache=True, error_model="numpy")
@no_type_check
def _equal_error_rate(real_counts, fake_counts):
    num_real, num_fake = real_counts[-1], fake_counts[-1]
    # FPR + TPR - 1, times both class sizes: rises through zero in whole numbers.
    before, row = 0, len(real_counts) - 1
    while row - before > 1:
        middle = (before + row) // 2
        if real_counts[middle] * num_fake + fake_counts[middle] * num_real >= num_real * num_fake:
            row = middle
        else:
            before = middle
    low = real_counts[before] * num_fake + fake_counts[before] * num_real - num_real * num_fake
    high = real_counts[row] * num_fake + fake_counts[row] * num_real - num_real * num_fake
    share = -low / (high - low)
    return (real_counts[before] + share * (real_counts[row] - real_counts[before])) / num_real


@njit(cache=True, error_model="numpy")
@no_type_check
def _last_within(real_counts, max_fpr):
    """The row of the lowest threshold whose false-positive rate is at most `max_fpr`."""
    within, beyond = 0, len(real_counts)
    while beyond - within > 1:
        middle = (within + beyond) // 2
        if real_counts[middle] / real_counts[-1] <= max_fpr:
            within = middle
        else:
            beyond = middle
    return within
