"""Plain gradient descent, whose updates can be checked by hand."""

import optax

from avsync.train.optim import Optimiser


def sgd(rate: float) -> Optimiser:
    return Optimiser(*optax.sgd(rate), learning_rate=optax.constant_schedule(rate))
