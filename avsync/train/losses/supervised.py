"""The loss of the supervised baseline, which learns shortcuts (AVH-Align/sup, Smeu et al. 2025)."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from avsync.train.losses.base import Objective
from avsync.types import Batch


def supervised_nll(
    offset_logits: Float[Array, "b t k"], valid: Bool[Array, "b t"], label: Int[Array, " b"]
) -> Float[Array, " b"]:
    """Cross-entropy of each clip's label, in nats; 0 for a row without valid frames.

    The fake score s is the logsumexp over valid frames of the logit at "in sync". The classes real
    and fake have logits -s and s, so the probability of fake is 1 / (1 + exp(-2 s)). s grows with
    the length of a clip, as in the paper's code.
    """
    in_sync = offset_logits.astype(jnp.float32)[..., offset_logits.shape[-1] // 2]
    fake_score = jax.nn.logsumexp(in_sync, axis=1, where=valid)
    nll = jax.nn.softplus(jnp.where(label == 1, -2 * fake_score, 2 * fake_score))
    return jnp.where(valid.any(axis=1), nll, 0)


def _total(offset_logits: Float[Array, "b t k"], batch: Batch) -> jax.Array:
    return supervised_nll(offset_logits, batch.valid, batch.label).sum()


def _count(batch: Batch) -> jax.Array:
    return batch.valid.any(axis=1).sum()


objective = Objective(_total, _count, unit="clip", is_real_only=False)
