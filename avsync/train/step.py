"""The per-device update step and validation step."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.flatten_util import ravel_pytree

from avsync import lookup
from avsync.parallel import AXIS
from avsync.partition import ALL_TRAINED, Partition, overlaid
from avsync.train.losses.base import Objective
from avsync.train.optim import Optimiser
from avsync.train.state import TrainState
from avsync.types import Batch

# The divisor of the summed loss before differentiation, as a function of the number of terms. The
# paper's code minimises the sum, so a short last batch weighs less.
REDUCTIONS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "mean": lambda n: n,
    "sum": jnp.ones_like,
}

Metrics = dict[str, jax.Array]
Apply = Callable[..., jax.Array]


class UpdateRule(NamedTuple):
    """The settings of an update.

    objective: the loss; if it is real-only, so are all batches.
    reduction: one of `REDUCTIONS`.
    grad_accum_steps: parts in which each device processes its clips one after the other. Memory is
      that of one part, the update that of the whole batch.
    ema_decay: decay of the moving average of the parameters, which is validated instead of them;
      0: no average.
    partition: which parameters are frozen; they have neither gradient, optimiser state nor average.
    """

    optimiser: Optimiser
    objective: Objective
    reduction: str = "mean"
    grad_accum_steps: int = 1
    ema_decay: float = 0.0
    partition: Partition = ALL_TRAINED


def make_train_step(
    apply: Apply, rule: UpdateRule
) -> Callable[[TrainState, Batch], tuple[TrainState, Metrics]]:
    """The step (state, this device's batch) -> (state, metrics), both equal on all devices.

    `apply` is (params, visual, audio, valid) -> offset_logits. The loss in the metrics is the mean
    in nats, whatever the reduction. ValueError if a setting of the rule is invalid.
    """
    require_valid(rule)
    optimiser, objective, reduction, grad_accum_steps, ema_decay, partition = rule

    def train_step(state: TrainState, batch: Batch) -> tuple[TrainState, Metrics]:
        # The mean is over the terms of all devices and parts, wherever short clips fall: the
        # gradient depends on neither the number of devices nor that of parts.
        count = jnp.maximum(jax.lax.psum(objective.num_terms(batch), AXIS), 1)
        trained = partition.trained_of(state.params)

        def loss_of(trained: Any, part: Batch) -> tuple[jax.Array, jax.Array]:
            params = overlaid(state.params, trained)
            total = objective.total(apply(params, part.visual, part.audio, part.valid), part)
            return total / REDUCTIONS[reduction](count), total / count

        def gradient_of(part: Batch) -> tuple[Any, jax.Array]:
            return jax.grad(loss_of, has_aux=True)(trained, part)

        # One vector needs one all-reduce: between CPUs each takes milliseconds, and one per array
        # made two processes 2.2 times slower.
        own, unravel = ravel_pytree(_over_parts(gradient_of, batch, num=grad_accum_steps))
        gradients, loss = unravel(jax.lax.psum(own, AXIS))
        updates, opt_state = optimiser.update(gradients, state.opt_state, trained)
        # The updates of every optimiser are proportional to the learning rate.
        scale = state.patience.plateau.scale
        trained = optax.apply_updates(trained, jax.tree.map(lambda u: scale * u, updates))
        metrics = {
            "loss": loss,
            "num_frames": jax.lax.psum(batch.loss_mask.sum(), AXIS),
            "gradient_norm": optax.tree.norm(gradients),
            "learning_rate": scale * optimiser.learning_rate(state.step),
        }
        state = state._replace(
            step=state.step + 1,
            params=overlaid(state.params, trained),
            opt_state=opt_state,
            average=_averaged(state, trained, decay=ema_decay),
        )
        return state, metrics

    return train_step


def require_valid(rule: UpdateRule) -> None:
    """ValueError names an invalid setting."""
    lookup.require("reduction", rule.reduction, sorted(REDUCTIONS))
    if rule.grad_accum_steps < 1:
        raise ValueError(f"grad_accum_steps must be 1 or more, got {rule.grad_accum_steps}")
    if not 0 <= rule.ema_decay < 1:
        raise ValueError(
            f"ema_decay must be in [0, 1), where 0 keeps no average, got {rule.ema_decay}"
        )


def make_eval_step(apply: Apply, *, objective: Objective) -> Callable[[Any, Batch], Metrics]:
    """The step (params, this device's batch) -> loss and count of terms, summed over devices."""

    def eval_step(params: Any, batch: Batch) -> Metrics:
        total = objective.total(apply(params, batch.visual, batch.audio, batch.valid), batch)
        return jax.lax.psum({"loss": total, "count": objective.num_terms(batch)}, AXIS)

    return eval_step


def refuse_fakes(batch: Batch, clip_ids: list[str]) -> None:
    """ValueError, naming the clips, if a batch for the alignment loss holds a fake."""
    fakes = np.flatnonzero(np.asarray(batch.label))
    if fakes.size:
        names = ", ".join(clip_ids[i] for i in fakes[:5])
        raise ValueError(
            f"the alignment loss trains on real clips only, but {fakes.size} of the "
            f"{len(clip_ids)} rows of a batch are labelled fake: {names}. The dataset declares "
            "this split real only; fix its builder or choose another split."
        )


def _over_parts(gradient_of: Callable[[Batch], Any], batch: Batch, *, num: int) -> Any:
    """The sum of `gradient_of` over `num` equal parts of the batch, computed sequentially."""
    if num == 1:
        return gradient_of(batch)
    num_clips = len(batch.label)
    if num_clips % num:
        raise ValueError(
            f"the {num_clips} clips of a device cannot be split into {num} equal parts; choose a "
            "config.train.grad_accum_steps that divides them, or another config.data.batch_size"
        )
    parts: Any = jax.tree.map(lambda x: x.reshape(num, num_clips // num, *x.shape[1:]), batch)
    first, others = (jax.tree.map(lambda x, i=i: x[i], parts) for i in (0, slice(1, None)))
    # The first part runs outside the loop: its result gives the carry its shapes and types.
    return jax.lax.scan(
        lambda total, part: (jax.tree.map(jnp.add, total, gradient_of(part)), None),
        gradient_of(first),
        others,
    )[0]


def _averaged(state: TrainState, trained: Any, *, decay: float) -> Any:
    if not decay:
        return None
    # As in TensorFlow's ExponentialMovingAverage(num_updates=…), the average first spans a few
    # updates: a decay of 0.9999 would evaluate the initial parameters for thousands of updates.
    decay_now = jnp.minimum(decay, (1 + state.step) / (10 + state.step))
    return optax.incremental_update(trained, state.average, 1 - decay_now)
