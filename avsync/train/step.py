"""The update and the validation of one batch, as one device sees them."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from avsync import lookup
from avsync.losses.base import Objective
from avsync.parallel import AXIS
from avsync.train.state import TrainState
from avsync.types import Batch

# By what the summed loss of a batch is divided, given how many frames, or clips, it is the sum of,
# before the gradient is taken. The paper's code takes the sum: a short last batch weighs less.
REDUCTIONS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "mean": lambda n: n,
    "sum": jnp.ones_like,
}

Metrics = dict[str, jax.Array]


def make_train_step(
    apply: Callable[..., jax.Array],
    optimiser: optax.GradientTransformation,
    *,
    objective: Objective,
    reduction: str,
) -> Callable[[TrainState, Batch], tuple[TrainState, Metrics]]:
    """(state, this device's batch) -> (state, metrics), both equal on all devices.

    `apply(params, visual, audio, valid)` gives offset_logits. The metrics' loss is the mean in
    nats whatever the reduction is, which ValueError says the known names of.
    """
    if reduction not in REDUCTIONS:
        raise ValueError(lookup.unknown("reduction", reduction, sorted(REDUCTIONS)))

    def loss_of(params: Any, batch: Batch) -> tuple[jax.Array, jax.Array]:
        logits = apply(params, batch.visual, batch.audio, batch.valid)
        total, count = objective.summed(logits, batch)
        # The mean is over the frames of all devices, however the short clips fall: so the
        # gradient does not depend on the number of devices.
        count = jax.lax.psum(count, AXIS)
        return total / REDUCTIONS[reduction](jnp.maximum(count, 1)), total / jnp.maximum(count, 1)

    def train_step(state: TrainState, batch: Batch) -> tuple[TrainState, Metrics]:
        gradient_of = jax.grad(loss_of, has_aux=True)
        gradients, loss = jax.lax.psum(gradient_of(state.params, batch), AXIS)
        updates, opt_state = optimiser.update(gradients, state.opt_state, state.params)
        # Whatever the optimiser, its updates are proportional to the learning rate.
        scale = state.patience.plateau.scale
        params = optax.apply_updates(state.params, jax.tree.map(lambda u: scale * u, updates))
        metrics = {
            "loss": loss,
            "num_frames": jax.lax.psum(batch.counted.sum(), AXIS),
            "gradient_norm": optax.tree.norm(gradients),
        }
        return state._replace(step=state.step + 1, params=params, opt_state=opt_state), metrics

    return train_step


def make_eval_step(
    apply: Callable[..., jax.Array], *, objective: Objective
) -> Callable[[Any, Batch], Metrics]:
    """(params, this device's batch) -> loss and count, summed over the batches of all devices."""

    def eval_step(params: Any, batch: Batch) -> Metrics:
        logits = apply(params, batch.visual, batch.audio, batch.valid)
        total, count = objective.summed(logits, batch)
        return jax.lax.psum({"loss": total, "count": count}, AXIS)

    return eval_step


def refuse_fakes(batch: Batch, clip_ids: list[str]) -> None:
    """ValueError, naming the clips, if a fake is in a batch on its way to the alignment loss."""
    fakes = np.flatnonzero(np.asarray(batch.label))
    if fakes.size:
        names = ", ".join(clip_ids[i] for i in fakes[:5])
        raise ValueError(
            f"the alignment loss trains on real clips only, but {fakes.size} of the "
            f"{len(clip_ids)} rows of a batch are labelled fake: {names}. The dataset promises "
            "that this split is real only; mend its builder or choose another split."
        )
