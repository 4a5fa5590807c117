"""What a training is, between two updates."""

from typing import Any, NamedTuple

import jax


class TrainState(NamedTuple):
    """A plain pytree, equal on all devices; it is what a checkpoint holds.

    step: updates done, int32 scalar.
    """

    step: jax.Array
    params: Any
    opt_state: Any
