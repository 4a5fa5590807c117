"""Visual encoder: spatio-temporal stem, strided convolutions, residual convolutions over time."""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, UInt8

from avsync.models.layers import TemporalBlock, keep_valid, layer_norm, standardise
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
        batch, time = valid.shape
        x = standardise(pooled(frames, self.pool), valid).astype(self.dtype)
        # A 3-D convolution is a 2-D one over neighbouring frames stacked as channels; CPUs are
        # several times faster at the latter.
        x = stack_neighbours(x[..., 0], self.stem_frames).reshape(
            batch * time, *x.shape[2:4], self.stem_frames
        )
        x = self._downsample(x, "stem", self.stem_width, 2 * self.stem_stride, self.stem_stride)
        for stage, (width, num_blocks) in enumerate(zip(self.widths, self.blocks, strict=True)):
            x = self._downsample(x, f"stage{stage}", width, 3, 2)
            for block in range(num_blocks):
                x = ImageBlock(self.dtype, name=f"stage{stage}_block{block}")(x)
        x = x.reshape(batch, time, -1)
        x = keep_valid(nn.Dense(self.features, dtype=self.dtype, name="frame_features")(x), valid)
        for block in range(self.temporal_blocks):
            x = TemporalBlock(self.dtype, name=f"temporal{block}")(x, valid)
        x = layer_norm(x, name="final_norm", dtype=self.dtype)
        return keep_valid(nn.Dense(self.embedding, dtype=self.dtype, name="embed")(x), valid)

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


def stack_neighbours(x: Float[Array, "b t h w"], num_frames: int) -> Float[Array, "b t h w n"]:
    """Stack each frame with its num_frames // 2 neighbours on each side; zeros beyond the ends."""
    reach = num_frames // 2
    padded = jnp.pad(x, ((0, 0), (reach, reach), (0, 0), (0, 0)))
    return jnp.stack([padded[:, i : i + x.shape[1]] for i in range(num_frames)], axis=-1)


def pooled(frames: UInt8[Array, "b t h w 1"], side: int) -> Float[Array, "b t h2 w2 1"]:
    """Means of squares of `side` x `side` pixels."""
    batch, time, height, width, _ = frames.shape
    grid = frames.reshape(batch, time, height // side, side, width // side, side, 1)
    # Sums of up to side^2 bytes are exact in float32.
    return grid.astype(jnp.float32).mean(axis=(3, 5))
