"""What a training is, between two updates."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from avsync.optim import Optimiser, Plateau
from avsync.train.patience import Patience


class TrainState(NamedTuple):
    """A plain pytree, equal on all devices; it is what a checkpoint holds.

    step: updates done, int32 scalar.
    """

    step: jax.Array
    params: Any
    opt_state: Any
    patience: Patience


def new_state(params: Any, *, optimiser: Optimiser, plateau: Plateau) -> TrainState:
    """The state before the first update."""
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        params=params,
        opt_state=optimiser.init(params),
        patience=Patience.new(plateau),
    )
