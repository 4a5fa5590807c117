"""The one normalisation of AV-HuBERT's transformer."""

import flax.linen as nn
import jax.numpy as jnp


def layer_norm(name: str) -> nn.LayerNorm:
    """LayerNorm over channels as PyTorch computes it: eps 1e-5, Flax's own is 1e-6; float32 out.

    The variance is taken around the mean: E[x^2] - E[x]^2, Flax's shortcut, loses it to rounding
    where the mean is large.
    """
    return nn.LayerNorm(epsilon=1e-5, use_fast_variance=False, dtype=jnp.float32, name=name)
