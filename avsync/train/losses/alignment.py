"""The real-only loss: each frame must pick its own sound (Smeu et al., CVPR 2025, section 4)."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from avsync.ops import in_sync_nll
from avsync.train.losses.base import Objective
from avsync.types import Batch


def alignment_nll(
    offset_logits: Float[Array, "b t k"], valid: Bool[Array, "b t"]
) -> Float[Array, " b"]:
    """The misfit of each clip's lips to their own sound, in nats, *summed* over valid frames.

    Divided by the number of valid frames it is ln K at chance (ln 31 = 3.43 for a reach of 15),
    less where "masked" edges leave fewer candidates; lower is better aligned. Rows without valid
    frames give 0.
    """
    return jnp.where(valid, in_sync_nll(offset_logits), 0).sum(axis=1)


def _total(offset_logits: Float[Array, "b t k"], batch: Batch) -> jax.Array:
    return alignment_nll(offset_logits, batch.loss_mask).sum()


def _count(batch: Batch) -> jax.Array:
    return batch.loss_mask.sum()


objective = Objective(_total, _count, unit="frame", is_real_only=True)
