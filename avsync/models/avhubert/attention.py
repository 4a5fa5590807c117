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


def attend_in_place(
    query: Float[Array, "b t n c"],
    key: Float[Array, "b t n c"],
    value: Float[Array, "b t n c"],
    valid: Bool[Array, "b t"],
    *,
    chunk_frames: int,
) -> Float[Array, "b t n c"]:
    """`attend` for inference: each chunk of queries is replaced by its result.

    For `attend`, XLA reserves the results of all chunks in all blocks from the start: a quarter of
    a GB for a minute of sound and crops.
    """
    time = query.shape[1]
    if not 0 < chunk_frames < time:
        return attend(query, key, value, valid, chunk_frames=0)
    num_chunks = -(-time // chunk_frames)
    padding = ((0, 0), (0, num_chunks * chunk_frames - time), (0, 0), (0, 0))

    def one_chunk(i: Array, held: Array) -> Array:
        first = i * chunk_frames
        queries = jax.lax.dynamic_slice_in_dim(held, first, chunk_frames, axis=1)
        attended = attend(queries, key, value, valid, chunk_frames=0)
        return jax.lax.dynamic_update_slice_in_dim(held, attended, first, axis=1)

    return jax.lax.fori_loop(0, num_chunks, one_chunk, jnp.pad(query, padding))[:, :time]
