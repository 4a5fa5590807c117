"""The same training from several seeds: how much of a difference is chance.

    avsync-sweep --config=configs/grid.py --sweep=configs/sweeps/seeds.py:5 --split=test_planted \\
        --workdir=runs/seeds

A seed is that of the first parameters, of the order of clips and of their augmentation. The test
numbers of all seeds belong into a report, not those of the best one.
"""

from avsync.sweeps.space import Overrides, product


def get_sweep(arg: str = "") -> list[Overrides]:
    """`arg` is how many, 3 if it is empty."""
    if not (arg or "3").isdecimal():
        raise ValueError(f"seeds.py takes how many seeds, such as seeds.py:5; got {arg!r}")
    return product({"seed": range(int(arg or 3))})
