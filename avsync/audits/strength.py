"""AUC of many scores, with confidence intervals that hold for all of them simultaneously.

Among forty uninformative scores, two have a 95% interval that excludes 0.5, so separate intervals
would find shortcuts in every dataset. The intervals here are simultaneous: AUC +- c standard
errors, both from a bootstrap that draws the same groups for all scores, with c such that in 95% of
the resamples no score deviates further from its AUC (max-t: Westfall & Young, Resampling-Based
Multiple Testing, 1993). The bootstrap draws groups, not clips: a source with all its fakes, or an
identity.

Fakes may score higher or lower on a number; its AUC is that of the better sign. This choice raises
the AUC of noise above 0.5, by 0.8 standard errors on average, but cannot turn noise into a
shortcut: the interval is two-sided, computed before the choice, and mirrored with the AUC.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from jaxtyping import Bool, Float
from scipy import stats

from avsync.metrics import curves, ranking, resampling

Name = TypeVar("Name", bound=Hashable)

CONFIDENCE = 0.95
NUM_RESAMPLES = 1_000

# With fewer groups, a perfect ranking is not rare among forty uninformative scores.
MIN_GROUPS = 10


class Strength(NamedTuple):
    """AUC, the probability that a fake scores higher than a real clip, with its interval.

    `low` and `high` are None if there are too few clips, `auc` too if a class has none; `note` then
    gives the reason. `num_missing` clips have no score.
    """

    auc: float | None
    low: float | None
    high: float | None
    num_real: int
    num_fake: int
    num_missing: int
    note: str = ""

    @property
    def excludes_chance(self) -> bool:
        """True if the interval lies entirely above or entirely below 0.5."""
        return self.low is not None and self.high is not None and not self.low <= 0.5 <= self.high

    def with_margin(self, margin: float) -> "Strength":
        """A copy with the interval AUC ± `margin`, clipped to [0, 1]."""
        assert self.auc is not None, "an interval needs an AUC"
        return self._replace(low=max(0.0, self.auc - margin), high=min(1.0, self.auc + margin))

    def mirrored(self) -> "Strength":
        """The strength of the negated scores."""
        auc, low, high = (None if x is None else 1 - x for x in (self.auc, self.high, self.low))
        return self._replace(auc=auc, low=low, high=high)


def strengths(
    scores: Mapping[Name, Float[np.ndarray, " n"]],
    is_fake: Bool[np.ndarray, " n"],
    *,
    groups: Sequence[str],
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> dict[Name, Strength]:
    """AUC and simultaneous interval of each score, by name; NaN scores are excluded."""
    by_name, orders, num_groups = {}, {}, {}
    # Equal scores are computed once: trimming does not change many of them.
    same = {name: values.tobytes() for name, values in scores.items()}
    for name, values in scores.items():
        known = np.isfinite(values)
        num_groups[same[name]] = _num_groups(is_fake, known, np.asarray(groups, str))
        by_name[name] = _point(values, is_fake, known, num_groups[same[name]])
        if not by_name[name].note:
            # If all scores are equal, they are equal in every resample: nothing to draw.
            differ = np.ptp(values[known]) > 0
            order = curves.descending(values[known], is_fake[known]) if differ else None
            orders[same[name]] = (known, order)
    if not orders:
        return by_name
    draws = resampling.over_identities(is_fake, groups, num_resamples=num_resamples, seed=seed)
    sampled = np.concatenate([_aucs(orders.values(), drawn) for drawn in draws], axis=1)
    auc_of = {same[name]: strength.auc for name, strength in by_name.items()}
    margins = _margins(
        sampled, np.array([auc_of[key] for key in orders]), [num_groups[key] for key in orders]
    )
    margin_of = dict(zip(orders, margins.tolist(), strict=True))
    return {
        name: strength if strength.note else strength.with_margin(margin_of[same[name]])
        for name, strength in by_name.items()
    }


def _aucs(
    orders: Iterable[tuple[Bool[np.ndarray, " n"], curves.Descending | None]],
    drawn: resampling.TimesDrawn,
) -> Float[np.ndarray, "scores samples"]:
    """One row per score; NaN for a resample in which a class has no scored clip."""
    chance = np.full(len(drawn), 0.5)
    return np.array(
        [curves.measure(order, drawn[:, known]).auc if order else chance for known, order in orders]
    )


def _num_groups(is_fake: np.ndarray, known: np.ndarray, groups: np.ndarray) -> int:
    """Number of groups with a scored clip, in the class that has fewer."""
    return min(len(np.unique(groups[known & of_class])) for of_class in (~is_fake, is_fake))


def _point(values: np.ndarray, is_fake: np.ndarray, known: np.ndarray, num_groups: int) -> Strength:
    counts = {
        "num_real": int((known & ~is_fake).sum()),
        "num_fake": int((known & is_fake).sum()),
        "num_missing": int((~known).sum()),
    }
    if not counts["num_real"] or not counts["num_fake"]:
        kind = "fake" if counts["num_real"] else "real"
        return Strength(None, None, None, **counts, note=f"no {kind} clip has a value")
    auc = ranking.auc(values[known], is_fake[known])
    note = "" if num_groups >= MIN_GROUPS else f"too few clips: {num_groups} sources"
    return Strength(auc, None, None, **counts, note=note)


def _margins(
    sampled: Float[np.ndarray, "scores samples"],
    aucs: Float[np.ndarray, " scores"],
    num_groups: Sequence[int],
) -> Float[np.ndarray, " scores"]:
    """Half-width of each interval."""
    error = np.nanstd(sampled, axis=1)
    varies = error > 0
    if not varies.any():
        return error
    deviations = np.abs(sampled[varies] - aucs[varies, None]) / error[varies, None]
    normal = np.quantile(np.nanmax(deviations, axis=0), CONFIDENCE)
    # The standard error is itself an estimate, with a variance too small by a factor of
    # (groups - 1) / groups. As for a mean, that is corrected, and Student's quantile replaces the
    # normal one (Cameron & Miller, J. Human Resources 50:317, 2015).
    groups = np.array(num_groups)
    return error * np.sqrt(groups / (groups - 1)) * stats.t.isf(stats.norm.sf(normal), groups - 1)
