"""Four learning rates, half an order of magnitude apart: the first thing to try on new data.

    avsync-sweep --config=quickstart --sweep=learning_rate --workdir=runs/learning_rate

`--sweep=learning_rate:1e-5-1e-3` sweeps the range from 1e-5 to 1e-3 instead. On two CPU cores, four
runs of the quickstart take four times its minutes.
"""

import math
import re

from avsync.config.files import ArgumentError
from avsync.sweeps.space import Overrides, product

STEPS_PER_DECADE = 2


def get_sweep(arg: str = "") -> list[Overrides]:
    """`arg` is the range, "3e-4-1e-2"; that is the default."""
    match = re.fullmatch(r"([\d.]+(?:e-?\d+)?)-([\d.]+(?:e-?\d+)?)", arg or "3e-4-1e-2")
    if not match or not 0 < float(match[1]) < float(match[2]):
        raise ArgumentError(f"expected a range such as 3e-4-1e-2, got {arg!r}")
    first, last = (math.log10(float(end)) for end in match.groups())
    num_steps = round((last - first) * STEPS_PER_DECADE)
    rates = [10 ** (first + i * (last - first) / max(num_steps, 1)) for i in range(num_steps + 1)]
    return product({"optim.learning_rate": [float(f"{rate:.1g}") for rate in rates]})
