"""Layers that both encoders are built of. All of them leave padded frames at zero.

Zeros are what a convolution finds beyond the end of an unpadded clip: with every padded frame kept
at zero, padding a clip changes nothing in its real frames.
"""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Num


def keep_valid(x: Num[Array, "b t *rest"], valid: Bool[Array, "b t"]) -> Num[Array, "b t *rest"]:
    """`x` with its padded frames set to zero."""
    return jnp.where(valid.reshape(*valid.shape, *[1] * (x.ndim - 2)), x, 0)


def standardise(
    x: Float[Array, "b t *rest"], valid: Bool[Array, "b t"], *, per_channel: bool = False
) -> Float[Array, "b t *rest"]:
    """Each clip to mean 0 and standard deviation 1 over its valid frames, in float32.

    The mean is one number a clip, or with `per_channel` one for each of the last axis's channels,
    which takes out a microphone's colour; the deviation is always one number.
    """
    x = x.astype(jnp.float32)
    weight = valid.astype(jnp.float32).reshape(*valid.shape, *[1] * (x.ndim - 2))
    inner = tuple(range(2, x.ndim))
    count = jnp.maximum(weight.sum(axis=1, keepdims=True), 1)
    axes = inner[:-1] if per_channel else inner
    mean = ((x * weight).sum(axis=1, keepdims=True) / count).mean(axis=axes, keepdims=True)
    square = (jnp.square(x - mean) * weight).sum(axis=1, keepdims=True) / count
    deviation = jnp.sqrt(square.mean(axis=inner, keepdims=True))
    return (x - mean) * weight / (deviation + 1e-5)


class Norm(nn.Module):
    """LayerNorm over channels in float32, whatever the activations are.

    Frame by frame, and for pictures pixel by pixel: statistics over time would see the padding.
    """

    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Float[Array, "*rest c"]) -> Float[Array, "*rest c"]:
        return nn.LayerNorm(epsilon=1e-5, dtype=jnp.float32)(x).astype(self.dtype)


class TemporalBlock(nn.Module):
    """Residual 3-frame convolution over time."""

    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[Array, "b t d"], valid: Bool[Array, "b t"]
    ) -> Float[Array, "b t d"]:
        y = keep_valid(nn.relu(Norm(self.dtype)(x)), valid)
        y = nn.Conv(x.shape[-1], [3], dtype=self.dtype)(y)
        return keep_valid(x + y, valid)
