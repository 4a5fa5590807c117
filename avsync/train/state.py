"""What a training is, between two updates."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from avsync.train.optim import Optimiser, Plateau
from avsync.train.patience import Patience


class TrainState(NamedTuple):
    """A plain pytree, equal on all devices; it is what a checkpoint holds.

    step: updates done, int32 scalar.
    average: a moving average of `params`, or None if none is kept.
    """

    step: jax.Array
    params: Any
    opt_state: Any
    patience: Patience
    average: Any

    @property
    def judged(self) -> Any:
        """The parameters that are validated and evaluated: the average, if there is one."""
        return self.params if self.average is None else self.average


def new_state(
    params: Any, *, optimiser: Optimiser, plateau: Plateau, ema_decay: float = 0.0
) -> TrainState:
    """The state before the first update; with an average if `ema_decay` is not 0."""
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        params=params,
        opt_state=optimiser.init(params),
        patience=Patience.new(plateau),
        # A copy: an update may not be given the same buffer twice to use again.
        average=jax.tree.map(jnp.array, params) if ema_decay else None,
    )
