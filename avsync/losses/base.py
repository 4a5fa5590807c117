"""What a loss is: a file of this package with `objective`, found by its name."""

from collections.abc import Callable
from typing import NamedTuple

import jax

from avsync.types import Batch


class Objective(NamedTuple):
    """What a training minimises.

    summed: (offset_logits, batch) -> the loss in nats, summed, and the number of what it is summed
      over; both scalars, so that a mean can be taken over all devices.
    unit: what it is summed over, "frame" or "clip".
    is_real_only: whether it is for real clips alone, and a fake among them is a mistake.
    """

    summed: Callable[[jax.Array, Batch], tuple[jax.Array, jax.Array]]
    unit: str
    is_real_only: bool
