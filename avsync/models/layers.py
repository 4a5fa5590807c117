"""Layers that the encoders share. Layers that take `valid` leave padded frames at zero.

Beyond the end of an unpadded clip a convolution sees zeros. As long as padded frames stay zero,
padding a clip changes none of its real frames.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Num

from avsync import lookup

LAYER_NORM_EPSILON = 1e-5  # PyTorch's; Flax's default is 1e-6

REMAT = ("none", "blocks")


def keep_valid(x: Num[Array, "b t *rest"], valid: Bool[Array, "b t"]) -> Num[Array, "b t *rest"]:
    """`x` with its padded frames set to zero."""
    return jnp.where(valid.reshape(*valid.shape, *[1] * (x.ndim - 2)), x, 0)


def standardise(
    x: Float[Array, "b t *rest"], valid: Bool[Array, "b t"], *, per_channel: bool = False
) -> Float[Array, "b t *rest"]:
    """Scale each clip to mean 0 and standard deviation 1 over its valid frames, in float32.

    There is one mean per clip, or with `per_channel` one per clip and channel of the last axis,
    which removes the colouring of a microphone. There is always one deviation per clip.
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


def layer_norm(x: Float[Array, "*rest c"], *, name: str, dtype: Any) -> Float[Array, "*rest c"]:
    """LayerNorm over channels, computed in float32 and returned in `dtype`.

    It normalises each frame, or each pixel, by itself: statistics over time would see the padding.
    To be called within a compact method, whose module gets the parameters as `name`.
    """
    norm = nn.LayerNorm(epsilon=LAYER_NORM_EPSILON, dtype=jnp.float32, name=name)
    return norm(x).astype(dtype)


def exact_layer_norm(name: str | None = None) -> nn.LayerNorm:
    """LayerNorm over channels as PyTorch computes it, for AV-HuBERT; returns float32.

    The variance is taken around the mean. Flax's default, E[x^2] - E[x]^2, loses it to rounding
    where the mean is large.
    """
    return nn.LayerNorm(
        epsilon=LAYER_NORM_EPSILON, use_fast_variance=False, dtype=jnp.float32, name=name
    )


def exact_gelu(x: Float[Array, "*rest c"]) -> Float[Array, "*rest c"]:
    """GELU by the error function, in float32; AV-HuBERT's features differ by 2e-4 with tanh."""
    x = x.astype(jnp.float32)
    # As PyTorch computes it. jax.nn.gelu takes erfc, twice as long on a CPU, for digits of results
    # near 0 that the sums they enter do not have.
    return 0.5 * x * (1 + jax.lax.erf(x * 0.5**0.5))


def with_remat(block: type[nn.Module], remat: str, *, prevent_cse: bool = True) -> Any:
    """`block` for remat "none"; for "blocks" one that keeps only its input for the backward pass.

    Outside a scan `prevent_cse` must be True, or XLA merges the recomputation with the first
    computation and keeps everything after all. Inside a scan that cannot happen, and False leaves
    XLA free to fuse. ValueError for any other `remat`.
    """
    lookup.require("remat", remat, REMAT)
    return nn.remat(block, prevent_cse=prevent_cse) if remat == "blocks" else block


def dense(features: int, *, dtype: Any, name: str | None = None, use_bias: bool = True) -> nn.Dense:
    """`nn.Dense` whose inputs and kernel are multiplied in `dtype`, and whose result is float32."""
    # Flax's own product in float32 is the same, and has derivatives of all orders.
    of_halves = None if dtype == jnp.float32 else _dot_general
    return nn.Dense(features, use_bias, dtype=dtype, dot_general=of_halves, name=name)


def _dot_general(x: Array, kernel: Array, dimensions: Any, precision: Any = None) -> Array:
    del precision
    (_, (axis,)), _ = dimensions
    return product(x, kernel, axis)


def _product(
    x: Num[Array, "*rest c"], kernel: Num[Array, "m n"], axis: int
) -> Num[Array, "*rest d"]:
    """The float32 product of `x` and axis `axis` of a kernel, both in one dtype, as its gradients.

    A CPU with matrix units for bfloat16 uses them only for products with results in float32: of
    Large AV-HuBERT, a block takes 36 instead of 57 CPU ms (320 frames, Sapphire Rapids). JAX's own
    gradient of such a product would multiply float32 by bfloat16, which no unit for bfloat16 does.
    """
    return _multiply(x, kernel, [x.ndim - 1], [axis])


product = jax.custom_vjp(_product, nondiff_argnums=(2,))


def _multiply(x: Array, y: Array, axes: list[int], others: list[int]) -> Array:
    dimensions = ((axes, others), ((), ()))
    return jax.lax.dot_general(x, y, dimensions, preferred_element_type=jnp.float32)


def _product_and_inputs(x: Array, kernel: Array, axis: int) -> tuple[Array, tuple[Array, Array]]:
    return product(x, kernel, axis), (x, kernel)


def _gradients(axis: int, inputs: tuple[Array, Array], gradient: Array) -> tuple[Array, Array]:
    x, kernel = inputs
    gradient = gradient.astype(x.dtype)
    of_x = _multiply(gradient, kernel, [gradient.ndim - 1], [1 - axis])
    rest = list(range(x.ndim - 1))
    pair = (x, gradient) if axis == 0 else (gradient, x)
    return of_x.astype(x.dtype), _multiply(*pair, rest, rest).astype(kernel.dtype)


product.defvjp(_product_and_inputs, _gradients)


class TemporalBlock(nn.Module):
    """Residual 3-frame convolution over time."""

    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[Array, "b t d"], valid: Bool[Array, "b t"]
    ) -> Float[Array, "b t d"]:
        y = keep_valid(nn.relu(layer_norm(x, name="norm", dtype=self.dtype)), valid)
        y = nn.Conv(x.shape[-1], [3], dtype=self.dtype, name="conv")(y)
        return keep_valid(x + y, valid)


def embed_over_time(
    x: Float[Array, "b t c"],
    valid: Bool[Array, "b t"],
    *,
    temporal_blocks: int,
    embedding: int,
    dtype: Any,
) -> Float[Array, "b t d"]:
    """The end of a convolutional encoder: residual blocks over time, a norm, `embedding` channels.

    To be called within a compact method, as `layer_norm`.
    """
    for block in range(temporal_blocks):
        x = TemporalBlock(dtype, name=f"temporal{block}")(x, valid)
    x = layer_norm(x, name="final_norm", dtype=dtype)
    return keep_valid(dense(embedding, dtype=dtype, name="embed")(x), valid)
