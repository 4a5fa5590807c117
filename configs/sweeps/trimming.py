"""How the silence before speech is cut from the training clips, each way from three seeds.

    avsync-sweep --config=configs/quickstart.py --sweep=configs/sweeps/trimming.py \\
        --workdir=runs/trimming

Validation clips are trimmed alike in all runs, so that the losses can be compared. Trained on reals
alone, expect about the same test numbers from each: no fake teaches it silence.
"""

from avsync.sweeps.space import Overrides, product

RULES = ("none", "leading", "jitter")


def get_sweep(arg: str = "") -> list[Overrides]:
    """`arg` is the number of seeds, 3 if it is empty."""
    if not (arg or "3").isdecimal():
        raise ValueError(f"trimming.py takes how many seeds, such as trimming.py:1; got {arg!r}")
    return product({"data.trim": RULES, "seed": range(int(arg or 3))})
