"""ROC curves of many samples of the same clips at once, and metrics of them: one row per sample.

A sample holds how often each clip counts: once in the test set itself, several times or not at all
in a bootstrap resample. A curve holds counts, the real and fake clips that score at least each
distinct score, so that ties are exact: clips of equal score pass a threshold together. Each metric
equals that of `avsync.metrics.ranking` on the clips drawn.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Integer

from avsync.metrics import ranking


class Descending(NamedTuple):
    """The clips of each class, highest score first, and the number that pass each threshold.

    Thresholds are the distinct scores of both classes, highest first, after one above them all that
    no clip passes.
    """

    real: Int[np.ndarray, " r"]
    fake: Int[np.ndarray, " f"]
    num_real_passing: Int[np.ndarray, " thresholds"]
    num_fake_passing: Int[np.ndarray, " thresholds"]


class Curves(NamedTuple):
    """The number of real and fake clips of each sample that score at least each distinct score.

    Highest score first. Column 0, a threshold above all scores, is 0; the last is all clips.
    """

    real: Float[np.ndarray, "samples thresholds"]
    fake: Float[np.ndarray, "samples thresholds"]


def descending(scores: Float[np.ndarray, " n"], is_fake: Bool[np.ndarray, " n"]) -> Descending:
    """The order of the clips by score; ValueError if a score is not finite."""
    ranking.require_finite(scores)
    order = np.argsort(-scores, kind="stable")
    real, fake = order[~is_fake[order]], order[is_fake[order]]
    thresholds = np.append(np.inf, np.unique(scores)[::-1])
    num_passing = (
        np.searchsorted(-scores[of_class], -thresholds, side="right") for of_class in (real, fake)
    )
    return Descending(real, fake, *num_passing)


def curves(order: Descending, times_drawn: Integer[np.ndarray, "samples n"]) -> Curves:
    """The curve of each sample; every sample must have clips of both classes."""
    return Curves(
        real=_passing(times_drawn, order.real, order.num_real_passing),
        fake=_passing(times_drawn, order.fake, order.num_fake_passing),
    )


def auc(sample: Curves) -> Float[np.ndarray, " samples"]:
    """The area under each curve, by trapezoids: a tie counts half."""
    steps = np.diff(sample.real)
    double_wins = np.sum(steps * (sample.fake[:, 1:] + sample.fake[:, :-1]), axis=1)
    return double_wins / (2 * sample.real[:, -1] * sample.fake[:, -1])


def average_precision(sample: Curves) -> Float[np.ndarray, " samples"]:
    """The precision at each threshold, weighted by the recall that the threshold adds."""
    return _mean_precision(sample.real[:, 1:], sample.fake)


def balanced_average_precision(sample: Curves) -> Float[np.ndarray, " samples"]:
    """The average precision with equal total weights of real and fake clips."""
    weight = sample.fake[:, -1:] / sample.real[:, -1:]
    return _mean_precision(sample.real[:, 1:] * weight, sample.fake)


def equal_error_rate(sample: Curves) -> Float[np.ndarray, " samples"]:
    """The rate at which false positives equal misses on each curve, linearly interpolated."""
    num_real, num_fake = sample.real[:, -1], sample.fake[:, -1]
    # FPR + TPR - 1, times both class sizes: rises through zero in whole numbers, so it is exact.
    balance = sample.real * num_fake[:, None] + sample.fake * num_real[:, None]
    balance -= (num_real * num_fake)[:, None]
    rows, after = np.arange(len(balance)), np.argmax(balance >= 0, axis=1)
    low, high = balance[rows, after - 1], balance[rows, after]
    share = -low / (high - low)
    before = sample.real[rows, after - 1]
    return (before + share * (sample.real[rows, after] - before)) / num_real


def tpr_at_fpr(sample: Curves, *, max_fpr: float) -> Float[np.ndarray, " samples"]:
    """The largest TPR of a threshold with an FPR of at most `max_fpr`."""
    is_allowed = sample.real / sample.real[:, -1:] <= max_fpr
    return np.max(sample.fake, axis=1, where=is_allowed, initial=0) / sample.fake[:, -1]


def _passing(
    times_drawn: Integer[np.ndarray, "samples n"],
    descending: Int[np.ndarray, " c"],
    num_passing: Int[np.ndarray, " thresholds"],
) -> Float[np.ndarray, "samples thresholds"]:
    so_far = np.zeros((len(times_drawn), len(descending) + 1))
    np.cumsum(np.take(times_drawn, descending, axis=1), axis=1, out=so_far[:, 1:])
    return np.take(so_far, num_passing, axis=1)


def _mean_precision(
    real: Float[np.ndarray, "samples v"], fake: Float[np.ndarray, "samples thresholds"]
) -> Float[np.ndarray, " samples"]:
    # No clip passes a threshold above the highest score drawn: 0 is divided by tiny there.
    passing = np.maximum(real + fake[:, 1:], np.finfo(float).tiny)
    return np.sum(np.diff(fake) * fake[:, 1:] / passing, axis=1) / fake[:, -1]
