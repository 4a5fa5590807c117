"""The state of a training between two updates."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from avsync.partition import ALL_TRAINED, Partition, overlaid
from avsync.train.optim import Optimiser, Plateau


class Patience(NamedTuple):
    """The record of validations that lowers the learning rate and stops training.

    best_loss: float32 scalar, in nats; infinite before the first validation.
    num_waited: int32 scalar, validations since the best one.
    plateau: state of `avsync.train.optim.make_plateau`; its `scale` multiplies the learning rate.
    """

    best_loss: Any
    num_waited: Any
    plateau: Any

    @classmethod
    def new(cls, plateau: Plateau) -> "Patience":
        """The record before the first validation."""
        # The scale takes the type of the argument of `init`.
        return cls(np.float32(np.inf), np.int32(0), plateau.init(np.float32(0)))

    def after(self, loss: float, *, plateau: Plateau) -> "Patience":
        """The record after one more validation, on the host; only a smaller loss is better."""
        before = jax.device_get(self)
        now = np.float32(loss)
        is_better = now < before.best_loss
        _, after = plateau.update({}, before.plateau, value=now)
        return Patience(
            best_loss=np.minimum(now, before.best_loss),
            num_waited=np.int32(0 if is_better else before.num_waited + 1),
            plateau=jax.device_get(after),
        )

    def is_exhausted(self, max_waited: int) -> bool:
        """Return whether the last `max_waited` validations brought no new best; False for 0."""
        return 0 < max_waited <= int(self.num_waited)


class TrainState(NamedTuple):
    """A plain pytree, equal on all devices, that checkpoints store.

    step: updates done, int32 scalar.
    params: all parameters, as `Partition.split` returns them.
    opt_state: that of the trained parameters alone.
    average: moving average of the trained parameters, or None.
    """

    step: jax.Array
    params: Any
    opt_state: Any
    patience: Patience
    average: Any

    @property
    def eval_params(self) -> Any:
        """The parameters to validate and evaluate: with the moving average if there is one."""
        return self.params if self.average is None else overlaid(self.params, self.average)


def new_state(
    params: Any,
    *,
    optimiser: Optimiser,
    plateau: Plateau,
    ema_decay: float = 0.0,
    partition: Partition = ALL_TRAINED,
) -> TrainState:
    """The state before the first update; it has an average if `ema_decay` is not 0.

    `params` are whole: stacks in one piece.
    """
    params = partition.split(params)
    trained = partition.trained_of(params)
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        params=params,
        opt_state=optimiser.init(trained),
        patience=Patience.new(plateau),
        # A copy, since donating one buffer twice is an error.
        average=jax.tree.map(jnp.array, trained) if ema_decay else None,
    )


def count_parameters(params: Any, partition: Partition) -> dict[str, int]:
    """The number of split `params`: the "total", those that are "trained", and each part's."""
    counts = {name.removesuffix("_encoder"): _size(part) for name, part in params.items()}
    trained = _size(partition.trained_of(params))
    return {"total": sum(counts.values()), "trained": trained, **counts}


def _size(tree: Any) -> int:
    return sum(x.size for x in jax.tree.leaves(tree))
