"""The update and the validation of one batch, as one device sees them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.flatten_util import ravel_pytree

from avsync import lookup
from avsync.parallel import AXIS
from avsync.train.losses.base import Objective
from avsync.train.state import TrainState
from avsync.types import Batch

# By what the summed loss of a batch is divided, given how many frames, or clips, it is the sum of,
# before the gradient is taken. The paper's code takes the sum: a short last batch weighs less.
REDUCTIONS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "mean": lambda n: n,
    "sum": jnp.ones_like,
}

Metrics = dict[str, jax.Array]
Apply = Callable[..., jax.Array]


class Rule(NamedTuple):
    """How a batch becomes an update.

    objective: what is minimised; where it is for reals alone, so are all batches.
    reduction: of `REDUCTIONS`.
    grad_accum_steps: parts in which each device processes its clips, one after the other; it needs
      the memory of one part, and the update is that of the whole batch.
    ema_decay: of the moving average of the parameters that is validated in their place; 0: none.
    """

    optimiser: optax.GradientTransformation
    objective: Objective
    reduction: str = "mean"
    grad_accum_steps: int = 1
    ema_decay: float = 0.0


def make_train_step(
    apply: Apply, rule: Rule
) -> Callable[[TrainState, Batch], tuple[TrainState, Metrics]]:
    """(state, this device's batch) -> (state, metrics), both equal on all devices.

    `apply(params, visual, audio, valid)` gives offset_logits. The metrics' loss is the mean in
    nats whatever the reduction is. ValueError if the rule is not possible.
    """
    require_possible(rule)
    optimiser, objective, reduction, grad_accum_steps, ema_decay = rule

    def train_step(state: TrainState, batch: Batch) -> tuple[TrainState, Metrics]:
        # The mean is over the frames of all devices and parts, however the short clips fall: so
        # the gradient depends on the number of neither.
        count = jnp.maximum(jax.lax.psum(objective.num_terms(batch), AXIS), 1)

        def loss_of(params: Any, part: Batch) -> tuple[jax.Array, jax.Array]:
            total = objective.total(apply(params, part.visual, part.audio, part.valid), part)
            return total / REDUCTIONS[reduction](count), total / count

        def gradient_of(part: Batch) -> tuple[Any, jax.Array]:
            return jax.grad(loss_of, has_aux=True)(state.params, part)

        # One vector, so one meeting of all devices: between CPUs each costs milliseconds, and
        # one for each array made two processes 2.2 times slower than that.
        own, unravel = ravel_pytree(_over_parts(gradient_of, batch, num=grad_accum_steps))
        gradients, loss = unravel(jax.lax.psum(own, AXIS))
        updates, opt_state = optimiser.update(gradients, state.opt_state, state.params)
        # Whatever the optimiser, its updates are proportional to the learning rate.
        scale = state.patience.plateau.scale
        params = optax.apply_updates(state.params, jax.tree.map(lambda u: scale * u, updates))
        metrics = {
            "loss": loss,
            "num_frames": jax.lax.psum(batch.loss_mask.sum(), AXIS),
            "gradient_norm": optax.tree.norm(gradients),
        }
        state = state._replace(
            step=state.step + 1,
            params=params,
            opt_state=opt_state,
            average=_averaged(state, params, decay=ema_decay),
        )
        return state, metrics

    return train_step


def require_possible(rule: Rule) -> None:
    """ValueError names a value that a rule cannot have."""
    lookup.require("reduction", rule.reduction, sorted(REDUCTIONS))
    if rule.grad_accum_steps < 1:
        raise ValueError(f"grad_accum_steps must be 1 or more, got {rule.grad_accum_steps}")
    if not 0 <= rule.ema_decay < 1:
        raise ValueError(
            f"ema_decay must be 0, for no average, to below 1, such as 0.999; got {rule.ema_decay}"
        )


def make_eval_step(apply: Apply, *, objective: Objective) -> Callable[[Any, Batch], Metrics]:
    """(params, this device's batch) -> loss and count, summed over the batches of all devices."""

    def eval_step(params: Any, batch: Batch) -> Metrics:
        total = objective.total(apply(params, batch.visual, batch.audio, batch.valid), batch)
        return jax.lax.psum({"loss": total, "count": objective.num_terms(batch)}, AXIS)

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


def _over_parts(gradient_of: Callable[[Batch], Any], batch: Batch, *, num: int) -> Any:
    """The sum of `gradient_of` over `num` equal parts of the batch, one after the other."""
    if num == 1:
        return gradient_of(batch)
    num_clips = len(batch.label)
    if num_clips % num:
        raise ValueError(
            f"the {num_clips} clips of a device cannot be taken in {num} equal parts; choose a "
            "config.train.grad_accum_steps that divides them, or another config.data.batch_size"
        )
    parts: Any = jax.tree.map(lambda x: x.reshape(num, num_clips // num, *x.shape[1:]), batch)
    first, others = (jax.tree.map(lambda x, i=i: x[i], parts) for i in (0, slice(1, None)))
    # The first outside the loop: what is added to then has the right shapes and types.
    return jax.lax.scan(
        lambda so_far, part: (jax.tree.map(jnp.add, so_far, gradient_of(part)), None),
        gradient_of(first),
        others,
    )[0]


def _averaged(state: TrainState, params: Any, *, decay: float) -> Any:
    if not decay:
        return None
    # As TensorFlow's ExponentialMovingAverage(num_updates=…): a mean of the last few updates at
    # first, or a decay of 0.9999 would evaluate the first parameters for thousands of updates.
    decay_now = jnp.minimum(decay, (1 + state.step) / (10 + state.step))
    return optax.incremental_update(params, state.average, 1 - decay_now)
