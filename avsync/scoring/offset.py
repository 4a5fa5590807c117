"""The A/V offset that a clip prefers, reported apart from how well the sound fits there."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from avsync.ops import candidate_mask


def clip_offset(
    offset_logits: Float[Array, "b t k"], valid: Bool[Array, "b t"]
) -> Int[Array, " b"]:
    """A/V offset of the whole clip, in frames: +n means the sound is n frames late.

    The candidate with the largest `offset_support`. 0 for a clip without valid frames.
    """
    reach = offset_logits.shape[-1] // 2
    best = jnp.argmax(offset_support(offset_logits, valid), axis=-1)
    return jnp.where(valid.any(axis=1), best - reach, 0)


def offset_support(
    offset_logits: Float[Array, "b t k"], valid: Bool[Array, "b t"]
) -> Float[Array, "b k"]:
    """Fit of the whole clip at each offset: the mean of `offset_evidence` over its frames.

    0 for a clip without valid frames.
    """
    used = _has_all_candidates(valid, offset_logits.shape[-1] // 2)
    total = offset_evidence(offset_logits, valid).sum(axis=1)
    return total / jnp.maximum(used.sum(axis=1, keepdims=True), 1)


def offset_evidence(
    offset_logits: Float[Array, "b t k"], valid: Bool[Array, "b t"]
) -> Float[Array, "b t k"]:
    """Fit of each frame at each offset: the log-probability of that candidate, in nats.

    0 at all offsets for a frame near the start or end, which lacks some candidates; if no frame of
    a short clip has all of them, 0 for padding frames only.
    """
    log_probability = jax.nn.log_softmax(offset_logits.astype(jnp.float32))
    used = _has_all_candidates(valid, offset_logits.shape[-1] // 2)
    return jnp.where(used[..., None], log_probability, 0)


def offset_margin(
    offset_logits: Float[Array, "b t k"], valid: Bool[Array, "b t"]
) -> Float[Array, " b"]:
    """Gain in fit from offset 0 to the best offset of each clip, in nats per frame.

    0 for a clip that fits best in sync, and for one without valid frames.
    """
    support = offset_support(offset_logits, valid)
    return support.max(axis=-1) - support[:, support.shape[-1] // 2]


def realigned(
    offset_logits: Float[Array, "b t k"], valid: Bool[Array, "b t"]
) -> tuple[Float[Array, "b t k"], Bool[Array, "b t"]]:
    """Logits with the preferred offset of each clip moved to the centre, and the valid frames.

    A frame whose sound at that offset lies beyond the clip is no longer valid.
    """
    time, num_offsets = valid.shape[1], offset_logits.shape[-1]
    offset = clip_offset(offset_logits, valid)[:, None]
    shifted = (jnp.arange(num_offsets) + offset) % num_offsets
    logits = jnp.take_along_axis(offset_logits, shifted[:, None], axis=-1)
    sound = jnp.arange(time) + offset
    has_sound = (sound >= 0) & (sound < valid.sum(axis=1, keepdims=True))
    return logits, valid & has_sound


def _has_all_candidates(valid: Bool[Array, "b t"], reach: int) -> Bool[Array, "b t"]:
    """Valid frames that have every candidate; all valid frames in a clip where none has."""
    complete = candidate_mask(valid, reach).all(axis=-1)
    return jnp.where(complete.any(axis=1, keepdims=True), complete & valid, valid)
