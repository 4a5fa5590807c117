"""How well each of many scores tells fakes from reals, with intervals that hold for all at once.

Among forty scores of nothing, two have a 95 % interval that leaves out 0.5: intervals for one score
each would find shortcuts in every dataset. These are simultaneous: AUC +- c standard errors, both
from a bootstrap that draws the same groups for all scores, with c such that in 95 % of the
resamples no score is further than that from its AUC (max-t: Westfall & Young, Resampling-Based
Multiple Testing, 1993). Groups, not clips, are drawn: a source with all its fakes, or an identity.

A number may be higher in fakes or lower; its AUC is that of the better sign. That choice makes the
AUC of noise larger than 0.5, by 0.8 standard errors on average; it cannot make a finding of it, for
the interval is two-sided, is computed before the choice and mirrored with it.
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

# With fewer, a perfect ranking is nothing rare among forty scores of nothing.
MIN_GROUPS = 10


class Strength(NamedTuple):
    """The chance that a fake scores higher than a real, and its interval.

    `low` and `high` are None, and `note` says why, where clips are too few; so is `auc` where there
    is none of a class. `num_missing` clips have no score.
    """

    auc: float | None
    low: float | None
    high: float | None
    num_real: int
    num_fake: int
    num_missing: int
    note: str = ""

    @property
    def is_found(self) -> bool:
        """Whether chance is out of the interval, on either side."""
        return self.low is not None and self.high is not None and not self.low <= 0.5 <= self.high

    def with_margin(self, margin: float) -> "Strength":
        """The same with an interval that reaches so far to either side, within [0, 1]."""
        assert self.auc is not None, "an interval lies around something"
        return self._replace(low=max(0.0, self.auc - margin), high=min(1.0, self.auc + margin))

    def mirrored(self) -> "Strength":
        """That of the same scores with the other sign."""
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
    """The AUC of each score by its name; a clip whose score is NaN is left out of that one."""
    found, orders, num_groups = {}, {}, {}
    # Trimming leaves many scores as they are, and fakes share much with their sources.
    same = {name: values.tobytes() for name, values in scores.items()}
    for name, values in scores.items():
        known = np.isfinite(values)
        num_groups[same[name]] = _num_groups(is_fake, known, np.asarray(groups, str))
        found[name] = _point(values, is_fake, known, num_groups[same[name]])
        if not found[name].note:
            # Of clips that all score alike, resamples need not be drawn: they do so too.
            differ = np.ptp(values[known]) > 0
            order = curves.descending(values[known], is_fake[known]) if differ else None
            orders[same[name]] = (known, order)
    if not orders:
        return found
    draws = resampling.over_identities(is_fake, groups, num_resamples=num_resamples, seed=seed)
    sampled = np.concatenate([_aucs(orders.values(), drawn) for drawn in draws], axis=1)
    auc_of = {same[name]: strength.auc for name, strength in found.items()}
    margins = _margins(
        sampled, np.array([auc_of[key] for key in orders]), [num_groups[key] for key in orders]
    )
    margin_of = dict(zip(orders, margins.tolist(), strict=True))
    return {
        name: strength if strength.note else strength.with_margin(margin_of[same[name]])
        for name, strength in found.items()
    }


def _aucs(
    orders: Iterable[tuple[Bool[np.ndarray, " n"], curves.Descending | None]],
    drawn: resampling.TimesDrawn,
) -> Float[np.ndarray, "scores samples"]:
    """A row a score; NaN for a resample without a clip of a class that has the score."""
    chance = np.full(len(drawn), 0.5)
    with np.errstate(invalid="ignore"):
        rows = [
            curves.auc(curves.curves(order, drawn[:, known])) if order else chance
            for known, order in orders
        ]
    return np.array(rows)


def _num_groups(is_fake: np.ndarray, known: np.ndarray, groups: np.ndarray) -> int:
    """Groups with a scored clip, of the class that has fewer."""
    return min(len(np.unique(groups[known & of_class])) for of_class in (~is_fake, is_fake))


def _point(values: np.ndarray, is_fake: np.ndarray, known: np.ndarray, num_groups: int) -> Strength:
    counts = {
        "num_real": int((known & ~is_fake).sum()),
        "num_fake": int((known & is_fake).sum()),
        "num_missing": int((~known).sum()),
    }
    if not counts["num_real"] or not counts["num_fake"]:
        kind = "fake" if counts["num_real"] else "real"
        return Strength(None, None, None, **counts, note=f"it is known of no {kind} clip")
    auc = ranking.auc(values[known], is_fake[known])
    note = "" if num_groups >= MIN_GROUPS else f"clips of {num_groups} sources: too few to tell"
    return Strength(auc, None, None, **counts, note=note)


def _margins(
    sampled: Float[np.ndarray, "scores samples"],
    aucs: Float[np.ndarray, " scores"],
    num_groups: Sequence[int],
) -> Float[np.ndarray, " scores"]:
    """Half the width of each interval."""
    error = np.nanstd(sampled, axis=1)
    varies = error > 0
    if not varies.any():
        return error
    deviations = np.abs(sampled[varies] - aucs[varies, None]) / error[varies, None]
    normal = np.quantile(np.nanmax(deviations, axis=0), CONFIDENCE)
    # The standard error is itself an estimate, and too small by as much as one group is of all:
    # as for a mean, Student's quantile stands for the normal one (Cameron & Miller, J. Human
    # Resources 50:317, 2015).
    groups = np.array(num_groups)
    return error * np.sqrt(groups / (groups - 1)) * stats.t.isf(stats.norm.sf(normal), groups - 1)
