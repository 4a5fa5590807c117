"""Ranking metrics and means with 95% percentile-bootstrap intervals.

An interval over clips covers the choice of clips, as if they were independent. An interval over
identities covers the choice of speakers, each with all of their clips, and is wider where the clips
of a speaker are alike. Neither covers training seeds. Where every fake scores above every real
clip, every resample is perfect too and the interval is [1, 1]: read it with the number of clips.

Percentile interval: Efron & Tibshirani, An Introduction to the Bootstrap (1993), ch. 13.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Shaped

from avsync.metrics import curves, ranking, resampling

CONFIDENCE = 0.95
NUM_RESAMPLES = 2_000


class Estimate(NamedTuple):
    """A value and its interval; None where there is none, and `note` says why."""

    value: float | None
    low: float | None
    high: float | None
    note: str = ""


class Quality(NamedTuple):
    """The metrics of `avsync.metrics.ranking` for one score."""

    auc: Estimate
    average_precision: Estimate
    balanced_average_precision: Estimate
    equal_error_rate: Estimate
    tpr_at_1_fpr: Estimate
    tpr_at_5_fpr: Estimate


class _Statistic(NamedTuple):
    """A metric of one test set, and of many resamples at once."""

    of_clips: Callable[..., float]
    of_samples: Callable[[curves.Curves], Float[np.ndarray, " samples"]]


def _tpr_at_fpr(max_fpr: float) -> _Statistic:
    return _Statistic(
        lambda scores, is_fake: ranking.tpr_at_fpr(scores, is_fake, max_fpr=max_fpr),
        lambda sample: curves.tpr_at_fpr(sample, max_fpr=max_fpr),
    )


# By the field names of `Quality`.
_STATISTICS = {
    "auc": _Statistic(ranking.auc, curves.auc),
    "average_precision": _Statistic(ranking.average_precision, curves.average_precision),
    "balanced_average_precision": _Statistic(
        ranking.balanced_average_precision, curves.balanced_average_precision
    ),
    "equal_error_rate": _Statistic(ranking.equal_error_rate, curves.equal_error_rate),
    "tpr_at_1_fpr": _tpr_at_fpr(0.01),
    "tpr_at_5_fpr": _tpr_at_fpr(0.05),
}


def ranking_quality(
    scores: Float[np.ndarray, " n"],
    is_fake: Bool[np.ndarray, " n"],
    *,
    identities: Sequence[str] | None = None,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> Quality:
    """All ranking metrics of a score with 95% intervals; fake is the positive class.

    The intervals are over clips, or over `identities` if the speaker of each clip is given. All
    values are None if a class has no clips; the intervals are None if a class has a single clip (or
    identity). ValueError if a score is not finite.
    """
    order = curves.descending(scores, is_fake)
    if missing := _missing_class(is_fake):
        return Quality(**{name: Estimate(None, None, None, missing) for name in _STATISTICS})
    values = {name: known.of_clips(scores, is_fake) for name, known in _STATISTICS.items()}
    if single := _single_class(is_fake, identities):
        return Quality(**{n: Estimate(value, None, None, single) for n, value in values.items()})
    draws = []
    for times_drawn in _resamples(is_fake, identities, num_resamples=num_resamples, seed=seed):
        sample = curves.curves(order, times_drawn)
        draws.append([statistic.of_samples(sample) for statistic in _STATISTICS.values()])
    note = "all scores are equal" if np.ptp(scores) == 0 else ""
    estimates = {
        name: Estimate(value, *_interval(samples), note)
        for (name, value), samples in zip(
            values.items(), np.concatenate(draws, axis=1), strict=True
        )
    }
    return Quality(**estimates)


def paired_auc_change(
    before: Float[np.ndarray, " n"],
    after: Float[np.ndarray, " n"],
    is_fake: Bool[np.ndarray, " n"],
    *,
    identities: Sequence[str] | None = None,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """AUC(before) minus AUC(after) of the same clips scored twice, with its 95% interval.

    Both AUCs are computed on the same resamples, so that their common variation cancels: the
    interval is narrower than those of the two AUCs suggest. The two may be views, scores or models.
    """
    orders = [curves.descending(scores, is_fake) for scores in (before, after)]
    if missing := _missing_class(is_fake):
        return Estimate(None, None, None, missing)
    value = ranking.auc(before, is_fake) - ranking.auc(after, is_fake)
    if single := _single_class(is_fake, identities):
        return Estimate(value, None, None, single)
    changes = []
    for times_drawn in _resamples(is_fake, identities, num_resamples=num_resamples, seed=seed):
        first, second = (curves.auc(curves.curves(order, times_drawn)) for order in orders)
        changes.append(first - second)
    return Estimate(value, *_interval(np.concatenate(changes)))


def mean(
    values: Float[np.ndarray, " n"], *, num_resamples: int = NUM_RESAMPLES, seed: int = 0
) -> Estimate:
    """The mean of one value for each clip, with its 95% interval over clips.

    Without clips the value is None, with a single one the interval.
    """
    if not len(values):
        return Estimate(None, None, None, "no clips")
    value = float(values.mean())
    if len(values) == 1:
        return Estimate(value, None, None, "only one clip: no interval")
    one_class = np.zeros(len(values), bool)
    draws = resampling.over_clips(one_class, num_resamples=num_resamples, seed=seed)
    means = [times_drawn @ values / len(values) for times_drawn in draws]
    return Estimate(value, *_interval(np.concatenate(means)))


def _resamples(
    is_fake: Bool[np.ndarray, " n"],
    identities: Sequence[str] | None,
    *,
    num_resamples: int,
    seed: int,
) -> Iterator[resampling.TimesDrawn]:
    if identities is None:
        return resampling.over_clips(is_fake, num_resamples=num_resamples, seed=seed)
    return resampling.over_identities(is_fake, identities, num_resamples=num_resamples, seed=seed)


def _interval(samples: Float[np.ndarray, " samples"]) -> tuple[float, float]:
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(samples, [tail, 1 - tail])
    return float(low), float(high)


def _missing_class(is_fake: Bool[np.ndarray, " n"]) -> str:
    missing = [name for name, of_class in _classes(is_fake) if not of_class.any()]
    return f"no {' and no '.join(missing)} clips" if missing else ""


def _single_class(is_fake: Bool[np.ndarray, " n"], identities: Sequence[str] | None) -> str:
    """The reason for no interval: a class with one clip or identity, alike in every resample."""
    unit = "clip" if identities is None else "identity"
    drawn = np.arange(len(is_fake)) if identities is None else _known(identities, len(is_fake))
    single = [name for name, of_class in _classes(is_fake) if len(np.unique(drawn[of_class])) == 1]
    return f"only one {' and one '.join(single)} {unit}: no interval" if single else ""


def _known(identities: Sequence[str], num_clips: int) -> Shaped[np.ndarray, " n"]:
    if len(identities) != num_clips or not all(identities):
        raise ValueError(
            f"identities: every clip needs one; {sum(map(bool, identities))} are given for "
            f"{num_clips} clips. Leave them out to resample clips instead."
        )
    return np.asarray(identities, str)


def _classes(is_fake: Bool[np.ndarray, " n"]) -> list[tuple[str, Bool[np.ndarray, " n"]]]:
    return [("real", ~is_fake), ("fake", is_fake)]
