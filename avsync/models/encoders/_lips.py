"""What the encoders of mouth crops share: their input, and what follows the picture.

To be called within a compact method, whose module gets the parameters.
"""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, UInt8

from avsync.models.layers import dense, embed_over_time, keep_valid, standardise


def stacked_frames(
    frames: UInt8[Array, "b t h w 1"],
    valid: Bool[Array, "b t"],
    *,
    pool: int,
    num_frames: int,
    dtype: Any,
) -> Float[Array, "n h2 w2 c"]:
    """Each frame with its neighbours as channels: n = b t, c = `num_frames`; zeros beyond the ends.

    Squares of `pool` x `pool` pixels are averaged, and each clip is standardised. A 3-D convolution
    is a 2-D one over neighbouring frames stacked as channels; CPUs are several times faster at the
    latter.
    """
    x = standardise(_pooled(frames, pool), valid).astype(dtype)[..., 0]
    batch, time, height, width = x.shape
    reach = num_frames // 2
    padded = jnp.pad(x, ((0, 0), (reach, reach), (0, 0), (0, 0)))
    stacked = jnp.stack([padded[:, i : i + time] for i in range(num_frames)], axis=-1)
    return stacked.reshape(batch * time, height, width, num_frames)


def embed_pictures(
    x: Float[Array, "n h w c"],
    valid: Bool[Array, "b t"],
    *,
    features: int,
    temporal_blocks: int,
    embedding: int,
    dtype: Any,
) -> Float[Array, "b t d"]:
    """Each frame's picture (n = b t), flattened to `features` channels and embedded over time."""
    x = dense(features, dtype=dtype, name="frame_features")(x.reshape(*valid.shape, -1))
    x = keep_valid(x, valid)
    return embed_over_time(
        x, valid, temporal_blocks=temporal_blocks, embedding=embedding, dtype=dtype
    )


def _pooled(frames: UInt8[Array, "b t h w 1"], side: int) -> Float[Array, "b t h2 w2 1"]:
    batch, time, height, width, _ = frames.shape
    grid = frames.reshape(batch, time, height // side, side, width // side, side, 1)
    # Sums of up to side^2 bytes are exact in float32.
    return grid.astype(jnp.float32).mean(axis=(3, 5))
