"""Head of AVH-Align (Smeu et al., CVPR 2025): a small network scores each pair of frames."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name
from jaxtyping import Array, Float

from avsync import lookup
from avsync.models.layers import dense, product

EPSILON = 1e-5  # of PyTorch's LayerNorm; Flax's default is 1e-6

FORMS = ("auto", "scan", "batch")

# Frames of a batch up to which accelerators take all offsets at once: 4 GB of activations at the
# paper's sizes. Beyond, the products of one offset are large enough to keep them busy.
MAX_FRAMES_AT_ONCE = 1 << 16

# checkpoint_name of the arrays of each pair that the backward pass keeps.
PRODUCT = "product"


class Head(nn.Module):
    """Logits of frame t against the 2 `reach_frames` + 1 audio frames around it, float32.

    Each stream goes through a linear layer to `projection` channels. Both, video first, then go
    through layers of `widths` with LayerNorm and ReLU to one number. The first three linear maps
    have nothing between them, so they are applied to frames and added up for pairs: 8 times fewer
    multiplications at the paper's sizes.

    The remaining layers are 31 times as large as the features. On CPUs they are computed one offset
    at a time. The backward pass keeps only the results of their matrix products, 48 kB per frame at
    the paper's sizes; the norms between them are cheap to recompute. On two cores that is 1.15
    times as fast as recomputing everything, and 1.4 times as fast as keeping everything, or as
    processing four or more offsets at once, which no longer fit the cache.

    On accelerators the pairs of all offsets are one batch: a scan of 31 small products would start
    about 1,000 kernels per update, which take longer to start than to run. Values and gradients are
    equal to rounding. Only reasoned about; not measured on an accelerator.

    Attributes:
      projection: channels of each stream before the shared layers.
      widths: channels of the shared hidden layers.
      dtype: of the activations; norms are always float32.
      form: "scan" over the offsets, all of them as one "batch", or "auto", by the platform. It is
        not what the head computes, and so no field of the config.
    """

    projection: int = 512
    widths: tuple[int, ...] = (512, 256, 128)
    dtype: Any = jnp.float32
    form: str = "auto"

    @nn.compact
    def __call__(
        self,
        visual: Float[Array, "b t d"],
        audio: Float[Array, "b t e"],
        *,
        reach_frames: int,
    ) -> Float[Array, "b t k"]:
        num_frames, num_offsets = visual.shape[0] * visual.shape[1], 2 * reach_frames + 1
        # Zero vectors beyond the clip enter before the first layer, so that biases apply to them.
        audio = jnp.pad(audio, ((0, 0), (reach_frames, reach_frames), (0, 0)))
        visual = dense(self.projection, dtype=self.dtype, name="visual_proj")(visual)
        audio = dense(self.projection, dtype=self.dtype, name="audio_proj")(audio)
        # One [2 projection, widths[0]] matrix split in two, visual rows first, with one bias.
        first = self.widths[0]
        visual = dense(first, use_bias=False, dtype=self.dtype, name="visual_first")(visual)
        audio = dense(first, dtype=self.dtype, name="audio_first")(audio)
        visual, audio = _centred(visual), _centred(audio)
        layers = PairTail(self.widths, self.dtype, name="tail")()

        form = form_for(self.form, jax.default_backend(), num_frames=num_frames)
        logits_of = {"scan": _scan, "batch": _batch}[form]
        return logits_of(visual, audio, layers, num_offsets).astype(jnp.float32)


def form_for(form: str, platform: str, *, num_frames: Any) -> str:
    """ "scan" or "batch": `form`, or for "auto" what suits a batch of so many frames on `platform`.

    In a program for export, `num_frames` is a symbol: the scan then suits any number. ValueError if
    `form` is none of `FORMS`.
    """
    lookup.require("form of the head", form, FORMS)
    if form != "auto":
        return form
    if platform == "cpu" or not isinstance(num_frames, int) or num_frames > MAX_FRAMES_AT_ONCE:
        return "scan"
    return "batch"


class PairLayer(NamedTuple):
    """LayerNorm's scale and shift, followed by ReLU and a linear map; kernel is [out, in]."""

    scale: jax.Array
    shift: jax.Array
    kernel: jax.Array
    bias: jax.Array


class PairTail(nn.Module):
    """The layers that are applied to pairs, prepared once for all offsets.

    They are centred: the mean that the next LayerNorm would subtract from every pair is subtracted
    from the weights. With kernels stored [out, in], whose gradient CPUs compute faster, a training
    step takes 0.85 of the time that it takes without either.
    """

    widths: tuple[int, ...]
    dtype: Any

    @nn.compact
    def __call__(self) -> list[PairLayer]:
        layers = []
        for i, width in enumerate(self.widths):
            is_last = i == len(self.widths) - 1
            width_after = 1 if is_last else self.widths[i + 1]
            norm = self.param(f"norm{i}", _new_norm, width)
            dense_name = "logit" if is_last else f"dense{i}"
            dense = self.param(dense_name, _new_dense, (width, width_after))
            kernel, bias = dense["kernel"], dense["bias"]
            if not is_last:  # no norm follows the logit
                kernel, bias = _centred(kernel), _centred(bias)
            kernel, bias = kernel.T.astype(self.dtype), bias.astype(self.dtype)
            layers.append(PairLayer(norm["scale"], norm["bias"], kernel, bias))
        return layers


def _scan(
    visual: Float[Array, "b t d"],
    audio: Float[Array, "b s d"],
    layers: list[PairLayer],
    num_offsets: int,
) -> Float[Array, "b t k"]:
    """Logits of all pairs, one offset at a time; `audio` has the frames beyond the clip too."""

    def one_offset(_: None, offset: jax.Array) -> tuple[None, jax.Array]:
        neighbours = jax.lax.dynamic_slice_in_dim(audio, offset, visual.shape[1], axis=1)
        return None, _pair_logits(visual + neighbours, layers)

    one_offset = jax.checkpoint(one_offset, policy=_keep_products(), prevent_cse=False)
    _, logits = jax.lax.scan(one_offset, None, jnp.arange(num_offsets))
    return jnp.moveaxis(logits, 0, -1)


def _batch(
    visual: Float[Array, "b t d"],
    audio: Float[Array, "b s d"],
    layers: list[PairLayer],
    num_offsets: int,
) -> Float[Array, "b t k"]:
    """Logits of all pairs at once, as `_scan`."""

    # Slices, not a gather: the gradient of a gather is a scatter, which is slow on TPUs, and adds
    # up in another order each time on GPUs.
    @partial(jax.checkpoint, policy=_keep_products())
    def all_offsets(visual: jax.Array, audio: jax.Array, layers: list[PairLayer]) -> jax.Array:
        time = visual.shape[1]
        pairs = jnp.stack([visual + audio[:, k : k + time] for k in range(num_offsets)])
        return _pair_logits(pairs.reshape(-1, time, pairs.shape[-1]), layers)

    logits = all_offsets(visual, audio, layers).reshape(num_offsets, *visual.shape[:2])
    return jnp.moveaxis(logits, 0, -1)


def _keep_products() -> Callable[..., bool]:
    return jax.checkpoint_policies.save_only_these_names(PRODUCT)


def _pair_logits(x: Float[Array, "b t d"], layers: list[PairLayer]) -> Float[Array, "b t"]:
    """Logits of pairs, whose vectors `x` must have mean 0."""
    for layer in layers:
        x = x.astype(jnp.float32)
        variance = jnp.mean(jnp.square(x), axis=-1, keepdims=True)
        x = x * jax.lax.rsqrt(variance + EPSILON) * layer.scale + layer.shift
        x = jax.nn.relu(x).astype(layer.kernel.dtype)
        x = checkpoint_name(_times(x, layer.kernel), PRODUCT) + layer.bias
    return x[..., 0]


def _times(x: Float[Array, "b t d"], kernel: Float[Array, "e d"]) -> Float[Array, "b t e"]:
    if x.dtype == jnp.float32:
        return jnp.einsum("btd,ed->bte", x, kernel)
    return product(x, kernel, 1).astype(x.dtype)


def _centred(x: Float[Array, "*rest d"]) -> Float[Array, "*rest d"]:
    return x - jnp.mean(x, axis=-1, keepdims=True, dtype=jnp.float32).astype(x.dtype)


def _new_norm(_: jax.Array, width: int) -> dict[str, jax.Array]:
    return {"scale": jnp.ones(width), "bias": jnp.zeros(width)}


def _new_dense(key: jax.Array, shape: tuple[int, int]) -> dict[str, jax.Array]:
    return {"kernel": nn.initializers.lecun_normal()(key, shape), "bias": jnp.zeros(shape[1])}
