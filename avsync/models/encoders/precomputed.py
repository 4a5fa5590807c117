"""Precomputed features, scaled to unit length."""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from avsync.models.layers import keep_valid


class Encoder(nn.Module):
    """Features to [b t d], float32, each frame of unit length, as the paper's head expects.

    The attributes record the origin of the features and change no result. Training fills them in
    from the feature dataset, so that the head knows the encoder that makes it a whole model.

    Attributes:
      encoder: name of the encoder that extracted the features; "" if unknown.
      fingerprint: of that encoder, see `avsync.weights.fingerprint`; "" if unknown.
      extracted_in: type of its activations, "float32" or "bfloat16"; "" if unknown.
      channels: of each frame; 0 if unknown.
    """

    encoder: str = ""
    fingerprint: str = ""
    extracted_in: str = ""
    channels: int = 0

    @nn.compact
    def __call__(
        self, features: Float[Array, "b t d"], valid: Bool[Array, "b t"]
    ) -> Float[Array, "b t d"]:
        features = features.astype(jnp.float32)
        norm = jnp.linalg.norm(features, axis=-1, keepdims=True)
        return keep_valid(features / jnp.maximum(norm, 1e-12), valid)
