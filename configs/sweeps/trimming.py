"""Each way of trimming leading silence from the training clips, with three seeds each.

    avsync-sweep --config=quickstart --sweep=trimming --workdir=runs/trimming

Validation clips are trimmed the same way in all runs, so that their losses can be compared. Expect
similar test results from all of them: a model trained on real clips only learns nothing about
silence from fakes.
"""

from avsync.config.files import whole_number
from avsync.sweeps.space import Overrides, product

RULES = ("none", "leading", "jitter")


def get_sweep(arg: str = "") -> list[Overrides]:
    """`arg` is the number of seeds; 3 by default."""
    return product({"data.trim": RULES, "seed": range(whole_number(arg, default=3))})
