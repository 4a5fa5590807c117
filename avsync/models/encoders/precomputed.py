"""Features that were extracted beforehand, taken as they are."""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from avsync.models.layers import keep_valid


class Encoder(nn.Module):
    """[b t d] in float32, each frame of unit length, as the paper's head expects them."""

    @nn.compact
    def __call__(
        self, features: Float[Array, "b t d"], valid: Bool[Array, "b t"]
    ) -> Float[Array, "b t d"]:
        features = features.astype(jnp.float32)
        norm = jnp.linalg.norm(features, axis=-1, keepdims=True)
        return keep_valid(features / jnp.maximum(norm, 1e-12), valid)
