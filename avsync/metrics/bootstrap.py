"""Ranking metrics and means with 95% percentile-bootstrap intervals.

An interval over clips covers the choice of clips, as if they were independent. An interval over
identities covers the choice of speakers, each with all of their clips, and is wider where the clips
of a speaker are alike. Neither covers training seeds. Where every fake scores above every real
clip, every resample is perfect too and the interval is [1, 1]: read it with the number of clips.

Percentile interval: Efron & Tibshirani, An Introduction to the Bootstrap (1993), ch. 13.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Shaped

from avsync.metrics import curves, resampling

CONFIDENCE = 0.95
NUM_RESAMPLES = 2_000


class Estimate(NamedTuple):
    """A value and its interval; None where there is none, and `note` says why."""

    value: float | None
    low: float | None
    high: float | None
    note: str = ""


class Quality(NamedTuple):
    """The metrics of `avsync.metrics.curves.Metrics` for one score."""

    auc: Estimate
    average_precision: Estimate
    balanced_average_precision: Estimate
    equal_error_rate: Estimate
    tpr_at_1_fpr: Estimate
    tpr_at_5_fpr: Estimate


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
    (quality,) = ranking_qualities(
        scores[None], is_fake, identities=identities, num_resamples=num_resamples, seed=seed
    )
    return quality


def ranking_qualities(
    scores: Float[np.ndarray, "scores n"],
    is_fake: Bool[np.ndarray, " n"],
    *,
    identities: Sequence[str] | None = None,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> list[Quality]:
    """`ranking_quality` of each of several scores of the same clips.

    The resamples are the same for all scores, so they are drawn once: to draw them takes longer
    than to measure a score on them.
    """
    orders = [curves.descending(score, is_fake) for score in scores]
    if missing := _missing_class(is_fake):
        return [Quality(*[Estimate(None, None, None, missing)] * len(Quality._fields))] * len(
            orders
        )
    measured = [curves.measure(order, _each_once(is_fake)) for order in orders]
    values = [[float(value) for (value,) in metrics] for metrics in measured]
    if single := _single_class(is_fake, identities):
        return [Quality(*[Estimate(value, None, None, single) for value in of]) for of in values]
    draws = _resamples(is_fake, identities, num_resamples=num_resamples, seed=seed)
    samples = _measure_all(orders, draws)
    notes = ["all scores are equal" if np.ptp(score) == 0 else "" for score in scores]
    return [
        Quality(
            *[Estimate(x, *_interval(y), note) for x, y in zip(of_set, of_samples, strict=True)]
        )
        for of_set, of_samples, note in zip(values, samples, notes, strict=True)
    ]


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
    first, second = (curves.measure(order, _each_once(is_fake)).auc for order in orders)
    value = float(first[0] - second[0])
    if single := _single_class(is_fake, identities):
        return Estimate(value, None, None, single)
    draws = _resamples(is_fake, identities, num_resamples=num_resamples, seed=seed)
    first, second = (samples.auc for samples in _measure_all(orders, draws))
    return Estimate(value, *_interval(first - second))


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


def _measure_all(
    orders: Sequence[curves.Descending], draws: Iterable[resampling.TimesDrawn]
) -> list[curves.Metrics]:
    """The metrics of all samples in each order."""
    measured = [[curves.measure(order, drawn) for order in orders] for drawn in _joined(draws)]
    of_orders = zip(*measured, strict=True)
    return [curves.Metrics(*np.concatenate(chunks, axis=1)) for chunks in of_orders]


def _joined(draws: Iterable[resampling.TimesDrawn]) -> Iterator[resampling.TimesDrawn]:
    """The same samples in chunks of multiples of `curves.SAMPLES_AT_ONCE`; the last as it is."""
    waiting: list[resampling.TimesDrawn] = []
    for drawn in draws:
        waiting.append(drawn)
        num_waiting = sum(map(len, waiting))
        if num_whole := num_waiting - num_waiting % curves.SAMPLES_AT_ONCE:
            joined = np.concatenate(waiting)
            yield joined[:num_whole]
            waiting = [joined[num_whole:]]
    if any(map(len, waiting)):
        yield np.concatenate(waiting)


def _each_once(is_fake: Bool[np.ndarray, " n"]) -> resampling.TimesDrawn:
    """The test set itself, as a sample of its clips."""
    return np.ones((1, len(is_fake)), int)


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
