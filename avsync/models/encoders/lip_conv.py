"""Visual encoder: spatio-temporal stem, strided convolutions, residual convolutions over time."""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, UInt8

from avsync.models.encoders._lips import embed_pictures, stacked_frames
from avsync.models.layers import layer_norm
from avsync.types import Context


class Encoder(nn.Module):
    """Mouth crops to [b t d], d = `embedding`.

    `lip_patch` is faster on a CPU. The trunk of ResNet-18 is `pool=1, stem_stride=2,
    stem_width=64, widths=(64, 128, 256, 512), blocks=(2, 2, 2, 2)`.

    Attributes:
      pool: side of the pixel squares that are averaged before the stem.
      stem_frames: video frames that the stem sees.
      stem_width: channels after the stem.
      stem_stride: stride of the stem; its kernel is twice as large.
      widths: channels of each stage; every stage halves the image.
      blocks: residual blocks within each stage.
      features: channels per frame after the image is flattened.
      temporal_blocks: residual blocks over time.
      embedding: output channels.
      dtype: of the activations; norms are always float32.
    """

    pool: int = 2
    stem_frames: int = 5
    stem_width: int = 48
    stem_stride: int = 4
    widths: tuple[int, ...] = (96, 128)
    blocks: tuple[int, ...] = (0, 0)
    features: int = 256
    temporal_blocks: int = 2
    embedding: int = 128
    dtype: Any = jnp.float32

    @property
    def context(self) -> Context:
        """The frames around a frame on which its embedding depends."""
        return Context(self.stem_frames // 2 + self.temporal_blocks, is_whole_clip=False)

    @nn.compact
    def __call__(
        self, frames: UInt8[Array, "b t h w 1"], valid: Bool[Array, "b t"]
    ) -> Float[Array, "b t d"]:
        x = stacked_frames(
            frames, valid, pool=self.pool, num_frames=self.stem_frames, dtype=self.dtype
        )
        x = self._downsample(x, "stem", self.stem_width, 2 * self.stem_stride, self.stem_stride)
        for stage, (width, num_blocks) in enumerate(zip(self.widths, self.blocks, strict=True)):
            x = self._downsample(x, f"stage{stage}", width, 3, 2)
            for block in range(num_blocks):
                x = ImageBlock(self.dtype, name=f"stage{stage}_block{block}")(x)
        return embed_pictures(
            x,
            valid,
            features=self.features,
            temporal_blocks=self.temporal_blocks,
            embedding=self.embedding,
            dtype=self.dtype,
        )

    def _downsample(
        self, x: Float[Array, "n h w c"], name: str, width: int, kernel: int, stride: int
    ) -> Float[Array, "n h2 w2 d"]:
        """Strided convolution, LayerNorm and ReLU; the parameters are NAME_conv and NAME_norm."""
        size, strides = [kernel, kernel], [stride, stride]
        x = nn.Conv(
            width, size, strides, padding="SAME", dtype=self.dtype, name=f"{name}_conv"
        )(x)  # fmt: skip
        return nn.relu(layer_norm(x, name=f"{name}_norm", dtype=self.dtype))


class ImageBlock(nn.Module):
    """Two 3 x 3 convolutions and a shortcut (He et al. 2016, pre-activation)."""

    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Float[Array, "n h w c"]) -> Float[Array, "n h w c"]:
        y = x
        for i in (1, 2):
            y = nn.relu(layer_norm(y, name=f"norm{i}", dtype=self.dtype))
            y = nn.Conv(x.shape[-1], [3, 3], dtype=self.dtype, name=f"conv{i}")(y)
        return x + y
