"""Array primitives that the losses, the scores and the models share."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

# Keeps the root away from 0, where its gradient is infinite: padded frames are zero vectors.
UNIT_LENGTH_EPSILON = 1e-12


def in_sync_nll(offset_logits: Float[Array, "b t k"]) -> Float[Array, "b t"]:
    """-log softmax over the candidates at the centre, "in sync", in nats; ln K at chance.

    Computed in float32, whatever the logits are.
    """
    centre = offset_logits.shape[-1] // 2
    return -jax.nn.log_softmax(offset_logits.astype(jnp.float32))[..., centre]


def unit_length(x: Float[Array, "*rest d"]) -> Float[Array, "*rest d"]:
    """`x` in float32, scaled to length 1 along the last axis; zero vectors stay zero."""
    x = x.astype(jnp.float32)
    return x / jnp.sqrt(jnp.sum(jnp.square(x), axis=-1, keepdims=True) + UNIT_LENGTH_EPSILON)


def candidate_mask(valid: Bool[Array, "b t"], reach_frames: int) -> Bool[Array, "b t k"]:
    """True where candidate k of frame t, audio frame t + k - reach_frames, is a valid frame."""
    time = valid.shape[1]
    padded = jnp.pad(valid, ((0, 0), (reach_frames, reach_frames)))
    return jnp.stack([padded[:, k : k + time] for k in range(2 * reach_frames + 1)], axis=-1)
