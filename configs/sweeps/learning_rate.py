"""Four learning rates, half an order of magnitude apart: the first thing to try on new data.

    avsync-sweep --config=configs/quickstart.py --sweep=configs/sweeps/learning_rate.py \\
        --workdir=runs/learning_rate

`:FIRST-LAST` tries those from FIRST to LAST instead: learning_rate.py:1e-5-1e-3. On two cores four
runs of the quickstart, one after the other, take four times its minutes.
"""

import math
import re

from avsync.sweeps.space import Overrides, product

STEPS_PER_DECADE = 2


def get_sweep(arg: str = "") -> list[Overrides]:
    """`arg` is "" or the ends of the range, "3e-4-1e-2"."""
    found = re.fullmatch(r"([\d.]+(?:e-?\d+)?)-([\d.]+(?:e-?\d+)?)", arg or "3e-4-1e-2")
    if not found or not 0 < float(found[1]) < float(found[2]):
        raise ValueError(f"learning_rate.py takes FIRST-LAST, such as 3e-4-1e-2; got {arg!r}")
    first, last = (math.log10(float(end)) for end in found.groups())
    num_steps = round((last - first) * STEPS_PER_DECADE)
    rates = [10 ** (first + i * (last - first) / max(num_steps, 1)) for i in range(num_steps + 1)]
    return product({"optim.learning_rate": [float(f"{rate:.1g}") for rate in rates]})
