"""Runs that differ in their seed alone, together: how large a difference has to be to mean much."""

import statistics
from collections.abc import Sequence

from avsync.sweeps.plan import Sweep
from avsync.sweeps.results import Result, is_ranked

SEED = "seed"


def rows(sweep: Sweep, results: Sequence[Result], *, views: Sequence[str]) -> list[list[str]]:
    """A table, its head first: mean ± standard deviation over seeds, of each setting of the others.

    The smallest mean validation loss is first. Empty unless some setting was run from two seeds.
    """
    others = [field for field in sweep.swept if field != SEED]
    groups: dict[tuple[str, ...], list[Result]] = {}
    for result in filter(is_ranked, results):
        setting = tuple(str(sweep.value(result.run, field)) for field in others)
        groups.setdefault(setting, []).append(result)
    if SEED not in sweep.swept or all(len(group) < 2 for group in groups.values()):
        return []
    views = [view for view in views if any(view in result.test for result in results)]
    head = [*others, "seeds", "validation loss", *[f"test AUC, {view}" for view in views]]
    cells = [
        [
            *setting,
            str(len(group)),
            _mean(_losses(group), digits=4),
            *[
                _mean([r.test[view].value for r in group if view in r.test], digits=3)
                for view in views
            ],
        ]
        for setting, group in sorted(
            groups.items(), key=lambda item: statistics.mean(_losses(item[1]))
        )
    ]
    return [head, *cells]


def _losses(group: Sequence[Result]) -> list[float]:
    return [result.loss for result in group if result.loss is not None]


def _mean(values: Sequence[float], *, digits: int) -> str:
    if not values:
        return ""
    mean = f"{statistics.mean(values):.{digits}f}"
    return mean if len(values) < 2 else f"{mean} ± {statistics.stdev(values):.{digits}f}"
