"""Attention to the valid frames of a clip, for AV-HuBERT."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float


def attend(
    query: Float[Array, "b t n c"],
    key: Float[Array, "b s n c"],
    value: Float[Array, "b s n c"],
    valid: Bool[Array, "b s"],
    *,
    chunk_frames: int,
) -> Float[Array, "b t n c"]:
    """Softmax attention of n heads to valid frames, `chunk_frames` queries at once, 0 for all.

    Where no frame is valid, the result is finite and meaningless.
    """

    def attend_to_all(query: Float[Array, "b t n c"]) -> Float[Array, "b t n c"]:
        # JAX computes this softmax in float32 whatever the inputs are.
        return jax.nn.dot_product_attention(query, key, value, mask=valid[:, None, None])

    batch, time, *head = query.shape
    if not 0 < chunk_frames < time:
        return attend_to_all(query)
    num_chunks = -(-time // chunk_frames)
    padded = jnp.pad(query, ((0, 0), (0, num_chunks * chunk_frames - time), (0, 0), (0, 0)))
    chunks = jnp.moveaxis(padded.reshape(batch, num_chunks, chunk_frames, *head), 1, 0)
    # Rematerialised: the backward pass would otherwise keep the attention weights of all chunks.
    attended = jax.lax.map(jax.checkpoint(attend_to_all), chunks)
    return jnp.moveaxis(attended, 0, 1).reshape(padded.shape)[:, :time]
