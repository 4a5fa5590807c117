"""The same training with several seeds: how much of a difference is chance.

    avsync-sweep --config=grid --sweep=seeds:5 --split=test_planted --workdir=runs/seeds

The seed determines the initial parameters, the order of clips and their augmentation. Report the
test results of all seeds, not those of the best one.
"""

from avsync.config.files import whole_number
from avsync.sweeps.space import Overrides, product


def get_sweep(arg: str = "") -> list[Overrides]:
    """`arg` is the number of seeds; 3 by default."""
    return product({"seed": range(whole_number(arg, default=3))})
