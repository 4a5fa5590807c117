"""The shift between picture and sound that a clip prefers, apart from how well it fits there."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from avsync.ops import candidate_mask


def clip_offset(
    offset_logits: Float[Array, "b t k"], valid: Bool[Array, "b t"]
) -> Int[Array, " b"]:
    """The shift of the whole clip, in frames: +n means that the sound comes n frames late.

    The candidate with the largest `offset_support`. 0 for a clip without valid frames.
    """
    reach = offset_logits.shape[-1] // 2
    best = jnp.argmax(offset_support(offset_logits, valid), axis=-1)
    return jnp.where(valid.any(axis=1), best - reach, 0)


def offset_support(
    offset_logits: Float[Array, "b t k"], valid: Bool[Array, "b t"]
) -> Float[Array, "b k"]:
    """How well the whole clip fits at each offset: the mean of `offset_evidence` over its frames.

    0 for a clip without valid frames.
    """
    used = _telling(valid, offset_logits.shape[-1] // 2)
    total = offset_evidence(offset_logits, valid).sum(axis=1)
    return total / jnp.maximum(used.sum(axis=1, keepdims=True), 1)


def offset_evidence(
    offset_logits: Float[Array, "b t k"], valid: Bool[Array, "b t"]
) -> Float[Array, "b t k"]:
    """How well each frame fits at each offset: the log-probability of that candidate.

    0, for all offsets alike, where a frame lacks candidates because the clip begins or ends there;
    in a clip too short to have any frame with all of them, where it is not valid.
    """
    log_probability = jax.nn.log_softmax(offset_logits.astype(jnp.float32))
    used = _telling(valid, offset_logits.shape[-1] // 2)
    return jnp.where(used[..., None], log_probability, 0)


def offset_margin(
    offset_logits: Float[Array, "b t k"], valid: Bool[Array, "b t"]
) -> Float[Array, " b"]:
    """How sure a clip is of its offset: how much better it fits there than in sync, nats a frame.

    0 for a clip that prefers to be in sync, and for one without valid frames.
    """
    support = offset_support(offset_logits, valid)
    return support.max(axis=-1) - support[:, support.shape[-1] // 2]


def resynced(
    offset_logits: Float[Array, "b t k"], valid: Bool[Array, "b t"]
) -> tuple[Float[Array, "b t k"], Bool[Array, "b t"]]:
    """Logits in which the offset that each clip prefers stands at "in sync", and valid frames.

    A frame whose sound at that offset lies beyond the clip is valid no more.
    """
    time, num_offsets = valid.shape[1], offset_logits.shape[-1]
    offset = clip_offset(offset_logits, valid)[:, None]
    shifted = (jnp.arange(num_offsets) + offset) % num_offsets
    logits = jnp.take_along_axis(offset_logits, shifted[:, None], axis=-1)
    heard = jnp.arange(time) + offset
    is_heard = (heard >= 0) & (heard < valid.sum(axis=1, keepdims=True))
    return logits, valid & is_heard


def _telling(valid: Bool[Array, "b t"], reach: int) -> Bool[Array, "b t"]:
    """The frames that can be asked for an offset: those that have all candidates."""
    complete = candidate_mask(valid, reach).all(axis=-1)
    return jnp.where(complete.any(axis=1, keepdims=True), complete & valid, valid)
