"""What a loss is: a file of this package with `objective`, found by its name."""

from collections.abc import Callable
from typing import NamedTuple

import jax

from avsync.types import Batch


class Objective(NamedTuple):
    """What a training minimises: a mean, over all devices and all parts of a batch.

    total: (offset_logits, batch) -> the loss in nats, summed; a scalar.
    num_terms: (batch) -> the number of what it is summed over; a scalar, known before the logits.
    unit: what it is summed over, "frame" or "clip".
    is_real_only: whether it is for real clips alone, and a fake among them is a mistake.
    """

    total: Callable[[jax.Array, Batch], jax.Array]
    num_terms: Callable[[Batch], jax.Array]
    unit: str
    is_real_only: bool
