"""Optimiser and learning-rate schedule by name."""

import jax
import optax

from avsync import lookup

Optimiser = optax.GradientTransformation
Plateau = optax.GradientTransformationExtraArgs

OPTIMISERS = ("adam", "adamw")

PLATEAU = "plateau"
SCHEDULES = ("constant", "cosine", PLATEAU)

# PyTorch's: a loss is better if it is less than the best by more than this part of it.
PLATEAU_THRESHOLD = 1e-4

NEVER = 2**31 - 1


def make_schedule(name: str, *, peak: float, num_steps: int, warmup_steps: int) -> optax.Schedule:
    """Learning rate of each update: linear warm-up to `peak`, then constant or a cosine to 0.

    By "plateau" it is constant as well, as far as the updates go: see `make_plateau`.
    """
    lookup.require("schedule", name, list(SCHEDULES))
    if not 0 <= warmup_steps < num_steps:
        raise ValueError(f"warmup_steps must be 0 to {num_steps - 1}, got {warmup_steps}")
    warmup = optax.linear_schedule(0.0, peak, max(warmup_steps, 1))
    after = (
        optax.cosine_decay_schedule(peak, num_steps - warmup_steps)
        if name == "cosine"
        else optax.constant_schedule(peak)
    )
    return optax.join_schedules([warmup, after], [warmup_steps])


def make_plateau(schedule: str, *, factor: float, patience: int) -> Plateau:
    """A factor of the learning rate, to be updated with the loss of each validation.

    By the schedule called "plateau" it is multiplied by `factor` when the loss was no better for
    more than `patience` validations in a row, as by PyTorch's ReduceLROnPlateau; by any other it
    stays 1.
    """
    # optax lowers the rate at validation number `patience` of those in a row, PyTorch at the next.
    num_waited = patience + 1 if schedule == PLATEAU else NEVER
    plateau = optax.contrib.reduce_on_plateau(
        factor=factor, patience=num_waited, rtol=PLATEAU_THRESHOLD
    )
    # Its branches would be compiled again by every call otherwise.
    return plateau._replace(update=jax.jit(plateau.update))


def make_optimiser(
    name: str, *, schedule: optax.Schedule, weight_decay: float, max_gradient_norm: float
) -> optax.GradientTransformation:
    """Adam, or AdamW whose decay spares biases, norms and scales; gradients clipped by norm.

    `max_gradient_norm` 0 switches clipping off.
    """
    lookup.require("optimiser", name, list(OPTIMISERS))
    if name == "adam" and weight_decay:
        raise ValueError("adam has no weight decay; use optimiser 'adamw' or weight_decay 0")
    steps = [optax.clip_by_global_norm(max_gradient_norm)] if max_gradient_norm else []
    if name == "adamw":
        steps.append(optax.adamw(schedule, weight_decay=weight_decay, mask=_is_matrix))
    else:
        steps.append(optax.adam(schedule))
    return optax.chain(*steps)


def _is_matrix(params: optax.Params) -> optax.Params:
    return jax.tree.map(lambda x: x.ndim > 1, params)
