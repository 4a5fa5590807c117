"""Precomputed features, scaled to unit length."""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from avsync.models.layers import keep_valid


class Encoder(nn.Module):
    """Features to [b t d], float32, each frame of unit length, as the paper's head expects."""

    @nn.compact
    def __call__(
        self, features: Float[Array, "b t d"], valid: Bool[Array, "b t"]
    ) -> Float[Array, "b t d"]:
        features = features.astype(jnp.float32)
        norm = jnp.linalg.norm(features, axis=-1, keepdims=True)
        return keep_valid(features / jnp.maximum(norm, 1e-12), valid)
