"""The interface of losses: each file of this package defines `objective` and is found by name."""

from collections.abc import Callable
from typing import NamedTuple

import jax

from avsync.types import Batch


class Objective(NamedTuple):
    """The loss of a training: a mean over the terms of all devices and accumulation steps.

    total: (offset_logits, batch) -> the sum of the terms in nats; a scalar.
    num_terms: (batch) -> the number of terms; a scalar that does not depend on the logits.
    unit: the unit of a term, "frame" or "clip".
    is_real_only: True if the loss is defined for real clips only; batches with fakes are refused.
    makes_fakes: True if the input pipeline is to make pseudo-fakes of the real clips, see
      avsync.pp.pseudo_fakes. They are marked by `Batch.forged`; their label stays that of the clip.
    """

    total: Callable[[jax.Array, Batch], jax.Array]
    num_terms: Callable[[Batch], jax.Array]
    unit: str
    is_real_only: bool
    makes_fakes: bool = False
