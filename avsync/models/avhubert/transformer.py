"""AV-HuBERT's transformer: a positional convolution, then pre-norm blocks."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from avsync.models.avhubert import inference
from avsync.models.avhubert.attention import attend
from avsync.models.layers import dense, exact_gelu, exact_layer_norm, keep_valid, with_remat
from avsync.partition import BLOCKS, FROZEN_BLOCKS

POSITION_KERNEL_FRAMES = 128
POSITION_GROUPS = 16


class Transformer(nn.Module):
    """[b t d] to [b t d], float32: the last block's output after the final LayerNorm.

    Every frame attends to all valid frames of the clip, so the features of a part of a clip differ
    from the same part of the clip's features.

    A training that freezes the lower blocks holds their parameters as `frozen_blocks` beside the
    `blocks` above them (avsync.partition); inference on a CPU holds all of them in another form
    (avsync.models.avhubert.inference). The result is the same.

    Attributes:
      feed_forward: channels between the two dense layers that follow attention.
      num_heads: attention heads, of d / num_heads channels each.
      num_layers: blocks; their parameters are stacked along a leading axis.
      chunk_frames: query frames whose attention is computed at once, 0 for all; the attention
        weights take b * num_heads * chunk_frames * t * 4 bytes. The result is the same.
      remat: see `avsync.models.layers.with_remat`.
      dtype: of the inputs of the matrix products; their results, residual sums, norms, softmax and
        GELU are float32.
    """

    feed_forward: int
    num_heads: int
    num_layers: int
    chunk_frames: int = 0
    remat: str = "none"
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[Array, "b t d"], valid: Bool[Array, "b t"]
    ) -> Float[Array, "b t d"]:
        x = keep_valid(x, valid)
        final_norm = exact_layer_norm("final_norm")
        if self.has_variable("params", inference.PREPARED):
            prepared = self.get_variable("params", inference.PREPARED)
            sizes = {"num_heads": self.num_heads, "chunk_frames": self.chunk_frames}
            x = inference.transform(prepared, x, valid, **sizes, dtype=self.dtype)
            return final_norm(x)
        positions = nn.Conv(
            x.shape[-1],
            [POSITION_KERNEL_FRAMES],
            # 64 and 64 with the last output dropped. "SAME" would pad (63, 64): one frame early.
            padding=[(POSITION_KERNEL_FRAMES // 2, POSITION_KERNEL_FRAMES // 2 - 1)],
            feature_group_count=POSITION_GROUPS,
            dtype=self.dtype,
            name="positions",
        )(x)
        x = x + exact_gelu(positions)

        def layer(block: nn.Module, x: jax.Array, _: None) -> tuple[jax.Array, None]:
            return block(x, valid), None

        # One compiled block serves all layers, whose parameters are stacked: the gradient of 24
        # separate blocks takes 56 s to compile instead of 5. The scan copies the parameters of each
        # layer, which takes a CPU 8 of 69 ms a block: see `avsync.models.avhubert.inference`.
        fields = (self.feed_forward, self.num_heads, self.chunk_frames, self.dtype)
        layer_type = with_remat(Block, self.remat, prevent_cse=False)
        num_layers = self.num_layers
        if self.has_variable("params", FROZEN_BLOCKS):
            # In a scan over all blocks the gradient of each block's parameters would be computed.
            frozen = self.get_variable("params", FROZEN_BLOCKS)
            # Layers below may be trained, whose gradient passes through the frozen blocks.
            lower = layer_type(*fields, parent=None)

            def frozen_layer(x: jax.Array, params: Any) -> tuple[Any, None]:
                return lower.apply({"params": params}, x, valid), None

            x, _ = jax.lax.scan(frozen_layer, x, frozen)
            num_layers -= len(jax.tree.leaves(frozen)[0])
        block = layer_type(*fields, name=BLOCKS)
        scan = nn.scan(
            layer,
            variable_axes={"params": 0},
            split_rngs={"params": True},
            length=num_layers,
        )
        x, _ = scan(block, x, None)
        return final_norm(x)


class Block(nn.Module):
    """Pre-norm residual attention, then pre-norm residual feed-forward layers."""

    feed_forward: int
    num_heads: int
    chunk_frames: int
    dtype: Any

    @nn.compact
    def __call__(
        self, x: Float[Array, "b t d"], valid: Bool[Array, "b t"]
    ) -> Float[Array, "b t d"]:
        dim = x.shape[-1]

        def heads(name: str) -> Float[Array, "b t n c"]:
            projected = dense(dim, dtype=self.dtype, name=name)(normed)
            shape = (*x.shape[:2], self.num_heads, dim // self.num_heads)
            return projected.astype(self.dtype).reshape(shape)

        normed = exact_layer_norm("attention_norm")(x)
        attended = attend(
            heads("query"), heads("key"), heads("value"), valid, chunk_frames=self.chunk_frames
        )
        x = x + dense(dim, dtype=self.dtype, name="output")(attended.reshape(x.shape))

        normed = exact_layer_norm("feed_forward_norm")(x)
        wide = dense(self.feed_forward, dtype=self.dtype, name="expand")(normed)
        # What the backward pass keeps is in `dtype`.
        wide = exact_gelu(wide.astype(self.dtype))
        return x + dense(dim, dtype=self.dtype, name="contract")(wide)
