"""How long a training waits for a better validation loss: before it slows down, before it stops."""

from typing import Any, NamedTuple

import jax
import numpy as np

from avsync.train.optim import Plateau


class Patience(NamedTuple):
    """What the validations so far have come to; a part of the training's state.

    best_loss: float32 scalar, in nats a frame; infinite before the first validation.
    num_waited: int32 scalar, validations since the best one.
    plateau: of `avsync.train.optim.make_plateau`; its `scale` is a factor of the learning rate.
    """

    best_loss: Any
    num_waited: Any
    plateau: Any

    @classmethod
    def new(cls, plateau: Plateau) -> "Patience":
        """Before the first validation."""
        # The type of what it is made for becomes that of the scale.
        return cls(np.float32(np.inf), np.int32(0), plateau.init(np.float32(0)))

    def after(self, loss: float, *, plateau: Plateau) -> "Patience":
        """Once a validation has given `loss`, on the host; better is what is less than the best."""
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
        """Whether `max_waited` validations in a row were no better; never if that is 0."""
        return 0 < max_waited <= int(self.num_waited)
