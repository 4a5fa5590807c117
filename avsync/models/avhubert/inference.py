"""The transformer of AV-HuBERT for inference on a CPU: its parameters in another form.

A scan over stacked blocks copies the parameters of each one in every pass, and in bfloat16 casts
them too. Here each block has kernels of its own, cast once and laid out as the products are
fastest. Large, four clips of 3 s on one core of Sapphire Rapids, load 3: a block takes 56 instead
of 69 CPU ms in float32, and 17 instead of 26 in bfloat16. Training keeps the scan: the gradient of
24 separate blocks takes a minute to compile. So do accelerators, whose memory is fast enough for
the copies; the form has not been tried there.
"""

import functools
import operator
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Num

from avsync.models.avhubert.attention import attend_in_place
from avsync.models.layers import exact_gelu, exact_layer_norm
from avsync.partition import BLOCKS, FROZEN_BLOCKS
from avsync.types import AnyArray

PREPARED = "prepared"  # the name of the form among the parameters of a transformer

# The positional convolution of 128 taps is a product for SHIFTS shifted copies of the input and
# every SHIFTS-th tap: it takes 14 instead of 97 CPU ms in bfloat16 and 51 instead of 79 in float32
# (300 frames); 4 shifts take 40 and 65, 16 take 15 and 50 with more to compile.
SHIFTS = 8

NORM = exact_layer_norm()  # within a module it would become a part of it


def prepare(params: Mapping[str, Any], *, dtype: Any) -> dict[str, Any]:
    """The parameters of a `Transformer` as `transform` takes them, under the name `PREPARED`.

    Kernels are in `dtype`. In float32 they share the memory of `params`, if these are NumPy arrays,
    but for that of the convolution.
    """
    assert FROZEN_BLOCKS not in params, "checkpoints hold no frozen_blocks: see partition.whole"
    blocks, kernels = {}, []
    for name, arrays in params[BLOCKS].items():
        blocks[name] = {part: x for part, x in arrays.items() if part != "kernel"}
    for i in range(len(params[BLOCKS]["query"]["kernel"])):
        own = {name: x["kernel"][i] for name, x in params[BLOCKS].items() if "kernel" in x}
        # Block by block: JAX would otherwise hold the float32 slices of all casts under way.
        kernels.append(jax.block_until_ready(_block_kernels(own, dtype)))
    positions = {
        "kernel": _position_kernel(params["positions"]["kernel"], dtype),
        "bias": params["positions"]["bias"],
    }
    prepared = {"positions": positions, BLOCKS: blocks, "kernels": kernels}
    return {PREPARED: prepared, "final_norm": params["final_norm"]}


def transform(
    prepared: Mapping[str, Any],
    x: Float[Array, "b t d"],
    valid: Bool[Array, "b t"],
    *,
    num_heads: int,
    chunk_frames: int,
    dtype: Any,
) -> Float[Array, "b t d"]:
    """The output of a `Transformer` before its final norm; `x` must be 0 in invalid frames."""
    x = x + exact_gelu(_positions(x, prepared["positions"], dtype))
    for i, kernels in enumerate(prepared["kernels"]):
        small = jax.tree.map(operator.itemgetter(i), prepared[BLOCKS])
        x = _block(small, kernels, x, valid, num_heads, chunk_frames, dtype)
    return x


def _block(
    params: Mapping[str, Any],
    kernels: Mapping[str, Any],
    x: Float[Array, "b t d"],
    valid: Bool[Array, "b t"],
    num_heads: int,
    chunk_frames: int,
    dtype: Any,
) -> Float[Array, "b t d"]:
    axis = 0 if dtype == jnp.float32 else 1  # see `_block_kernels`

    def bias(name: str) -> Array:
        return params[name]["bias"].astype(dtype)

    def norm(name: str) -> Array:
        normed: Any = NORM.apply({"params": params[name]}, x)
        return normed.astype(dtype)

    def heads(name: str) -> Float[Array, "b t n c"]:
        projected = (_product(normed, kernels[name], axis=axis) + bias(name)).astype(dtype)
        return projected.reshape(*x.shape[:2], num_heads, -1)

    normed = norm("attention_norm")
    attended = attend_in_place(
        heads("query"), heads("key"), heads("value"), valid, chunk_frames=chunk_frames
    )
    x = x + (_product(attended.reshape(x.shape), kernels["output"], axis=axis) + bias("output"))
    normed = norm("feed_forward_norm")
    slices = len(kernels["expand"])
    narrow = bias("contract").astype(jnp.float32)
    for expand, contract, shift in zip(
        kernels["expand"], kernels["contract"], jnp.split(bias("expand"), slices), strict=True
    ):
        wide = exact_gelu(_product(normed, expand, axis=axis) + shift)
        narrow = narrow + _product(wide.astype(dtype), contract, axis=axis)
    return x + narrow


def _product(
    x: Float[Array, "b t c"], kernel: Float[Array, "m n"], *, axis: int
) -> Float[Array, "b t d"]:
    """The float32 product of `x` and axis `axis` of a kernel, both in one dtype."""
    if kernel.dtype == jnp.float32 and axis == 0:
        # As a convolution over one frame: XLA gives it to Eigen, with 145 to 165 GFLOP per CPU
        # second, and a product to YNNPACK, with 126 to 144 (300 and 975 rows, Sapphire Rapids).
        return jax.lax.conv_general_dilated(
            x, kernel[None], (1,), "VALID", dimension_numbers=("NWC", "WIO", "NWC")
        )
    dimensions = (((x.ndim - 1,), (axis,)), ((), ()))
    return jax.lax.dot_general(x, kernel, dimensions, preferred_element_type=jnp.float32)


def _block_kernels(kernels: Mapping[str, Any], dtype: Any) -> dict[str, Any]:
    """The kernels of a block, each [c d] in float32 and [d c] in another dtype.

    Transposed, the products with bfloat16 run at 750, 780 and 540 instead of 690, 680 and 420 GFLOP
    per CPU second (300 rows; 1024 to 1024, to 4096, and back). The last is slow because it is long:
    the feed-forward layers are computed in slices of as many channels as the block has.
    """
    square = {name: kernels[name] for name in ("query", "key", "value", "output")}
    wide = {"expand": kernels["expand"], "contract": kernels["contract"]}
    if dtype == jnp.float32:
        return {**square, **{name: [kernel] for name, kernel in wide.items()}}
    dim, feed_forward = wide["expand"].shape
    size = dim if feed_forward % dim == 0 else feed_forward
    slices = [slice(first, first + size) for first in range(0, feed_forward, size)]
    return {
        **{name: _transposed(kernel, dtype) for name, kernel in square.items()},
        "expand": [_transposed(wide["expand"][:, part], dtype) for part in slices],
        "contract": [_transposed(wide["contract"][part], dtype) for part in slices],
    }


def cast_kernels(params: Mapping[str, Any], dtype: Any) -> Any:
    """`params` with all kernels in `dtype`, as Flax's layers of that dtype cast them."""

    def cast(path: Any, x: Any) -> Any:
        is_kernel = path[-1].key == "kernel" and x.dtype != dtype
        return jnp.asarray(x, dtype) if is_kernel else x

    return jax.tree_util.tree_map_with_path(cast, params)


@functools.partial(jax.jit, static_argnums=1)
def _transposed(kernel: Array, dtype: Any) -> Array:
    return kernel.astype(dtype).T


def _position_kernel(
    kernel: Float[AnyArray, "taps c d"], dtype: Any
) -> Num[Array, "g shift_c step_d"]:
    """The kernel of the convolution, of g groups, for `_positions`; bfloat16 as its bits, uint16.

    A CPU copies the kernel of each group, which as bfloat16 takes twice as long as all the rest.
    """
    taps, channels, dim = kernel.shape
    by_shift = jnp.asarray(kernel).reshape(taps // SHIFTS, SHIFTS, channels, -1, channels)
    by_group = by_shift.transpose(3, 1, 2, 0, 4)
    by_group = by_group.reshape(dim // channels, SHIFTS * channels, -1).astype(dtype)
    is_half = by_group.dtype.itemsize == 2
    return jax.lax.bitcast_convert_type(by_group, jnp.uint16) if is_half else by_group


def _positions(
    x: Float[Array, "b t d"], params: Mapping[str, Any], dtype: Any
) -> Float[Array, "b t d"]:
    """The positional convolution: tap k of output t reads frame t + k - taps / 2.

    Tap k is SHIFTS * step + shift. A product gives what each step makes of a frame and the
    SHIFTS - 1 after it; then steps are summed, each moved to its output. One group at a time: of
    all, the products are 64 kB a frame.
    """
    time = x.shape[1]
    length = time + SHIFTS - 1
    num_groups = len(params["kernel"])
    # Frames before the first, of which a later shift is a real one.
    x = jnp.pad(x.astype(dtype), ((0, 0), (SHIFTS - 1, SHIFTS - 1), (0, 0)))
    by_group = jnp.moveaxis(x.reshape(*x.shape[:2], num_groups, -1), 2, 0)

    def one_group(group: tuple[Array, Array]) -> Float[Array, "b t c"]:
        x, kernel = group
        if kernel.dtype != dtype:
            kernel = jax.lax.bitcast_convert_type(kernel, dtype)
        shifted = [x[:, shift : shift + length] for shift in range(SHIFTS)]
        products = _product(jnp.concatenate(shifted, axis=-1), kernel, axis=0)
        return _sum_of_steps(products.reshape(*products.shape[:2], -1, x.shape[-1]), time)

    convolved = jax.lax.map(one_group, (by_group, params["kernel"]))
    convolved = jnp.moveaxis(convolved, 0, 2).reshape(x.shape[0], time, -1)
    return convolved + params["bias"].astype(dtype)


def _sum_of_steps(products: Float[Array, "b l a c"], time: int) -> Float[Array, "b t c"]:
    """The sum over steps a, each moved to its output of `time` frames, 0 where it has none."""
    batch, length, num_steps, channels = products.shape
    total = jnp.zeros((batch, time, channels), products.dtype)
    for step in range(num_steps):
        first = SHIFTS * step - SHIFTS * num_steps // 2 + SHIFTS - 1
        if -time < first < length:
            # Negative margins crop. One pass sums all steps; a margin for all would be a copy.
            margins = [(0, 0, 0), (-first, first + time - length, 0), (0, 0, 0)]
            total += jax.lax.pad(products[:, :, step], np.zeros((), products.dtype), margins)
    return total
