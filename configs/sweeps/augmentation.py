"""Which part of the strong augmentation helps: no group, each group alone, all but it, and all.

    avsync-sweep --config=grid:strangers --sweep=augmentation --split= --workdir=runs/augmentation
    python -m tests.benchmarks.strangers --data_dir=data --dataset=grid/heldout \\
        runs/augmentation/runs/*

`:geometry` sweeps a single group, with the runs that have none and all of them; `:3` repeats every
run with three seeds. The first command trains ten scorers, each in the time of its config; the
second one measures them on talkers that they have not seen.
"""

from avsync.config.files import ArgumentError
from avsync.pp.augmentation import GROUPS, STRANGERS
from avsync.sweeps.space import Overrides, combined, product


def get_sweep(arg: str = "") -> list[Overrides]:
    """`arg` is a number of seeds or the name of a group; all groups with one seed by default."""
    if arg and arg not in GROUPS and not arg.isdecimal():
        raise ArgumentError(f"expected a number of seeds or one of {', '.join(GROUPS)}: {arg!r}")
    groups = [arg] if arg in GROUPS else list(GROUPS)
    runs = [_without(*GROUPS)]
    for group in groups:
        runs.append(_without(*(other for other in GROUPS if other != group)))
        runs.append(_without(group))
    runs.append({})
    if arg.isdecimal():
        return combined(runs, product({"seed": range(int(arg))}))
    return runs


def _without(*groups: str) -> Overrides:
    return {
        f"data.augmentation.{op}": type(getattr(STRANGERS, op))(0)
        for group in groups
        for op in GROUPS[group]
    }
