"""Optimisers and learning-rate schedules, by name."""

from typing import Any, NamedTuple

import jax
import optax

from avsync import lookup
from avsync.train.layer_decay import scale_by_factors

Plateau = optax.GradientTransformationExtraArgs

OPTIMISERS = ("adam", "adamw")

PLATEAU = "plateau"
SCHEDULES = ("constant", "cosine", PLATEAU)

# PyTorch's default: a loss is better if it is below the best by more than this fraction of it.
PLATEAU_THRESHOLD = 1e-4

NEVER = 2**31 - 1


class Optimiser(NamedTuple):
    """An optax gradient transformation, with the learning rate of each update for the log."""

    init: optax.TransformInitFn
    update: optax.TransformUpdateFn
    learning_rate: optax.Schedule


def make_schedule(name: str, *, peak: float, num_steps: int, warmup_steps: int) -> optax.Schedule:
    """The learning rate of each update: linear warm-up to `peak`, then constant or cosine to 0.

    The schedule "plateau" is constant here; `make_plateau` lowers the rate between updates.
    """
    lookup.require("schedule", name, list(SCHEDULES))
    if not 0 <= warmup_steps < num_steps:
        raise ValueError(
            f"config.optim.warmup_steps must be 0 to {num_steps - 1}, fewer than the {num_steps} "
            f"updates of the training; got {warmup_steps}"
        )
    warmup = optax.linear_schedule(0.0, peak, max(warmup_steps, 1))
    after = (
        optax.cosine_decay_schedule(peak, num_steps - warmup_steps)
        if name == "cosine"
        else optax.constant_schedule(peak)
    )
    return optax.join_schedules([warmup, after], [warmup_steps])


def make_plateau(schedule: str, *, factor: float, patience: int) -> Plateau:
    """A factor of the learning rate, updated with the loss of each validation.

    For the schedule "plateau" it is multiplied by `factor` after more than `patience` validations
    in a row without improvement, as in PyTorch's ReduceLROnPlateau; otherwise it stays 1.
    """
    # optax lowers the rate at validation number `patience` of such a row, PyTorch at the next one.
    num_waited = patience + 1 if schedule == PLATEAU else NEVER
    plateau = optax.contrib.reduce_on_plateau(
        factor=factor, patience=num_waited, rtol=PLATEAU_THRESHOLD
    )
    # Without jit each call would compile its branches again.
    return plateau._replace(update=jax.jit(plateau.update))


def make_optimiser(
    name: str,
    *,
    schedule: optax.Schedule,
    weight_decay: float,
    max_gradient_norm: float,
    factors: Any = None,
) -> Optimiser:
    """Adam, or AdamW without decay of biases, norms and scales; clips the global gradient norm.

    `max_gradient_norm` 0 disables clipping. `factors` of the learning rate and thus of the decay, a
    tree like the trained parameters, come from `avsync.train.layer_decay`; None: all 1.
    """
    lookup.require("optimiser", name, list(OPTIMISERS))
    if name == "adam" and weight_decay:
        raise ValueError("adam has no weight decay; use optimiser 'adamw' or weight_decay 0")
    steps = [optax.clip_by_global_norm(max_gradient_norm)] if max_gradient_norm else []
    if name == "adamw":
        steps.append(optax.adamw(schedule, weight_decay=weight_decay, mask=decay_mask))
    else:
        steps.append(optax.adam(schedule))
    if factors is not None:
        steps.append(scale_by_factors(factors))
    return Optimiser(*optax.chain(*steps), learning_rate=schedule)


def decay_mask(params: optax.Params) -> optax.Params:
    """True for the arrays that are decayed: kernels.

    By name: the biases and norms of stacked blocks have two axes, like the kernel of a layer.
    """
    return jax.tree_util.tree_map_with_path(
        lambda path, _: jax.tree_util.keystr(path[-1:], simple=True) == "kernel", params
    )
