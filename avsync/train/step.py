"""The update and the validation of one batch, as one device sees them."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from avsync.losses.alignment import alignment_nll
from avsync.parallel import AXIS
from avsync.train.state import TrainState
from avsync.types import Batch

Metrics = dict[str, jax.Array]


def make_train_step(
    apply: Callable[..., jax.Array], optimiser: optax.GradientTransformation
) -> Callable[[TrainState, Batch], tuple[TrainState, Metrics]]:
    """(state, this device's batch) -> (state, metrics), both equal on all devices.

    `apply(params, visual, audio, valid)` gives offset_logits.
    """

    def loss_of(params: Any, batch: Batch, num_frames: jax.Array) -> jax.Array:
        logits = apply(params, batch.visual, batch.audio, batch.valid)
        return alignment_nll(logits, batch.counted).sum() / num_frames

    def train_step(state: TrainState, batch: Batch) -> tuple[TrainState, Metrics]:
        # The mean is over the frames of all devices, however the short clips fall: so the
        # gradient does not depend on the number of devices.
        num_frames = jnp.maximum(jax.lax.psum(batch.counted.sum(), AXIS), 1)
        loss, gradients = jax.value_and_grad(loss_of)(state.params, batch, num_frames)
        loss, gradients = jax.lax.psum((loss, gradients), AXIS)
        updates, opt_state = optimiser.update(gradients, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
        metrics = {"loss": loss, "gradient_norm": optax.global_norm(gradients)}
        return TrainState(state.step + 1, params, opt_state), metrics

    return train_step


def make_eval_step(apply: Callable[..., jax.Array]) -> Callable[[Any, Batch], Metrics]:
    """(params, this device's batch) -> sums over the batches of all devices."""

    def eval_step(params: Any, batch: Batch) -> Metrics:
        logits = apply(params, batch.visual, batch.audio, batch.valid)
        nll = alignment_nll(logits, batch.counted).sum()
        return jax.lax.psum({"nll": nll, "num_frames": batch.counted.sum()}, AXIS)

    return eval_step


def refuse_fakes(batch: Batch, clip_ids: list[str]) -> None:
    """ValueError, naming the clips, if a fake is in a batch on its way to the alignment loss."""
    fakes = np.flatnonzero(np.asarray(batch.label))
    if fakes.size:
        names = ", ".join(clip_ids[i] for i in fakes[:5])
        raise ValueError(
            f"the alignment loss trains on real clips only, but {fakes.size} of the "
            f"{len(clip_ids)} clips of a batch are labelled fake: {names}. The dataset promises "
            "that this split is real only; mend its builder or choose another split."
        )
