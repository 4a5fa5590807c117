"""Ranking quality with its uncertainty: percentile-bootstrap intervals over clips.

Resamples are stratified: reals and fakes are drawn apart, each as many as there are, so that every
resample has both classes and the share of fakes, on which average precision depends, stays that of
the test set. Percentile interval: Efron & Tibshirani, An Introduction to the Bootstrap (1993),
ch. 13; stratified resampling for ROC curves: Robin et al., pROC, BMC Bioinformatics 12:77 (2011).

The interval covers which clips were drawn, as if they were independent. It knows nothing of talkers
(clips of one person are alike) nor of training seeds. Where no real scores as high as a fake, every
resample is perfect too and the interval is [1, 1]: read it together with the number of clips.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from avsync.metrics import ranking

CONFIDENCE = 0.95
NUM_RESAMPLES = 2_000

# Drawn at a time: about as many counts as a core's cache holds.
_DRAWS_AT_ONCE = 1 << 18

Counts = Int[np.ndarray, "n v"]


class Estimate(NamedTuple):
    """A number and its interval. What cannot be known is None, and `note` says why."""

    value: float | None
    low: float | None
    high: float | None
    note: str = ""


class Quality(NamedTuple):
    """How well a score ranks fakes above reals."""

    auc: Estimate
    average_precision: Estimate


def ranking_quality(
    scores: Float[np.ndarray, " n"],
    is_fake: Bool[np.ndarray, " n"],
    *,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> Quality:
    """AUC and average precision of a score, fake = positive, with their 95 % intervals.

    Without reals, or without fakes, both values are None; with a single clip of a class only the
    intervals are. Raises ValueError if a score is not finite.
    """
    ranked = ranking.ranks(scores, is_fake)
    statistics = (ranking.auc_of_counts, ranking.average_precision_of_counts)
    if missing := _missing_class(ranked):
        return Quality(*[Estimate(None, None, None, missing) for _ in statistics])
    values = [statistic(*ranking.counts(ranked)).item() for statistic in statistics]
    if lonely := _lonely_class(ranked):
        return Quality(*[Estimate(value, None, None, lonely) for value in values])
    draws = [
        np.stack([statistic(real, fake) for statistic in statistics])
        for ((real, fake),) in resampled_counts(ranked, num_resamples=num_resamples, seed=seed)
    ]
    intervals = [_interval(samples) for samples in np.concatenate(draws, axis=1)]
    note = "all scores are equal" if ranked.num_values == 1 else ""
    estimates = zip(values, intervals, strict=True)
    return Quality(*[Estimate(value, *interval, note) for value, interval in estimates])


def paired_auc_change(
    before: Float[np.ndarray, " n"],
    after: Float[np.ndarray, " n"],
    is_fake: Bool[np.ndarray, " n"],
    *,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """AUC(before) minus AUC(after) of the same clips, scored twice, with its 95 % interval.

    Both are computed on the same resamples, so that what the two have in common cancels: the
    interval is narrower than the two AUCs' own intervals would suggest.
    """
    pair = (ranking.ranks(before, is_fake), ranking.ranks(after, is_fake))
    if missing := _missing_class(pair[0]):
        return Estimate(None, None, None, missing)
    auc_before, auc_after = (ranking.auc_of_counts(*ranking.counts(ranked)) for ranked in pair)
    value = (auc_before - auc_after).item()
    if lonely := _lonely_class(pair[0]):
        return Estimate(value, None, None, lonely)
    changes = [
        ranking.auc_of_counts(*first) - ranking.auc_of_counts(*second)
        for first, second in resampled_counts(*pair, num_resamples=num_resamples, seed=seed)
    ]
    return Estimate(value, *_interval(np.concatenate(changes)))


def resampled_counts(
    *paired: ranking.Ranks, num_resamples: int, seed: int
) -> Iterator[list[tuple[Counts, Counts]]]:
    """Counts of reals and fakes by ascending score, a chunk of resamples at a time.

    Each of `paired` ranks the same clips by another score; all count the same drawn clips.
    """
    rng = np.random.default_rng(seed)
    num_clips = len(paired[0].real) + len(paired[0].fake)
    chunk = max(1, _DRAWS_AT_ONCE // num_clips)
    for start in range(0, num_resamples, chunk):
        rows = min(chunk, num_resamples - start)
        real = rng.integers(len(paired[0].real), size=(rows, len(paired[0].real)))
        fake = rng.integers(len(paired[0].fake), size=(rows, len(paired[0].fake)))
        yield [
            (
                _count_rows(ranked.real[real], ranked.num_values),
                _count_rows(ranked.fake[fake], ranked.num_values),
            )
            for ranked in paired
        ]


def _count_rows(rank: Int[np.ndarray, "n c"], num_values: int) -> Int[np.ndarray, "n v"]:
    """np.bincount of every row, in one call: each row counts in a range of its own."""
    rows = len(rank)
    offset = np.arange(rows)[:, None] * num_values
    return np.bincount((rank + offset).ravel(), minlength=rows * num_values).reshape(rows, -1)


def _interval(samples: Float[np.ndarray, " n"]) -> tuple[float, float]:
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(samples, [tail, 1 - tail])
    return float(low), float(high)


def _missing_class(ranked: ranking.Ranks) -> str:
    kinds = _kinds_of_size(ranked, 0)
    return f"no {' and no '.join(kinds)} clips" if kinds else ""


def _lonely_class(ranked: ranking.Ranks) -> str:
    kinds = _kinds_of_size(ranked, 1)
    return f"only one {' and one '.join(kinds)} clip: no interval" if kinds else ""


def _kinds_of_size(ranked: ranking.Ranks, size: int) -> list[str]:
    by_kind = {"real": ranked.real, "fake": ranked.fake}
    return [kind for kind, of_kind in by_kind.items() if len(of_kind) == size]
