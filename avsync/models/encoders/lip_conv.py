"""Visual encoder: a spatio-temporal stem, strided convolutions, residual convolutions in time."""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, UInt8

from avsync.models.layers import Norm, TemporalBlock, keep_valid, standardise


class Encoder(nn.Module):
    """Mouth crops to [b t d], d = `embedding`.

    The default runs on a CPU. The trunk of ResNet-18 is `pool=1, stem_stride=2,
    stem_width=64, widths=(64, 128, 256, 512), blocks=(2, 2, 2, 2)`.

    Attributes:
      pool: crops are averaged over pool x pool pixels first.
      stem_frames, stem_width, stem_stride: the stem sees this many frames and 2 x stride pixels.
      widths: channels of each stage; every stage halves the picture.
      blocks: residual blocks within each stage.
      features: channels a frame after the picture is flattened.
      temporal_blocks: residual blocks over time.
      embedding: channels out.
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

    @nn.compact
    def __call__(
        self, frames: UInt8[Array, "b t h w 1"], valid: Bool[Array, "b t"]
    ) -> Float[Array, "b t d"]:
        batch, time = valid.shape
        x = standardise(self._pooled(frames), valid).astype(self.dtype)
        # A 3-D convolution is a 2-D one over neighbouring frames stacked as channels; CPUs are
        # several times faster at the latter.
        x = _stack_neighbours(x[..., 0], self.stem_frames).reshape(
            batch * time, *x.shape[2:4], self.stem_frames
        )
        x = _strided(self.stem_width, 2 * self.stem_stride, self.stem_stride, self.dtype)(x)
        x = nn.relu(Norm(self.dtype)(x))
        for width, num_blocks in zip(self.widths, self.blocks, strict=True):
            x = nn.relu(Norm(self.dtype)(_strided(width, 3, 2, self.dtype)(x)))
            for _ in range(num_blocks):
                x = PictureBlock(self.dtype)(x)
        x = nn.Dense(self.features, dtype=self.dtype)(x.reshape(batch, time, -1))
        x = keep_valid(x, valid)
        for _ in range(self.temporal_blocks):
            x = TemporalBlock(self.dtype)(x, valid)
        return keep_valid(nn.Dense(self.embedding, dtype=self.dtype)(Norm(self.dtype)(x)), valid)

    def _pooled(self, frames: UInt8[Array, "b t h w 1"]) -> Float[Array, "b t h2 w2 1"]:
        batch, time, height, width, _ = frames.shape
        n = self.pool
        grid = frames.reshape(batch, time, height // n, n, width // n, n, 1)
        # Sums of up to n^2 bytes are exact in float32.
        return grid.astype(jnp.float32).mean(axis=(3, 5))


class PictureBlock(nn.Module):
    """Two 3 x 3 convolutions and a way around them (He et al. 2016, pre-activation)."""

    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Float[Array, "n h w c"]) -> Float[Array, "n h w c"]:
        width = x.shape[-1]
        y = nn.Conv(width, [3, 3], dtype=self.dtype)(nn.relu(Norm(self.dtype)(x)))
        y = nn.Conv(width, [3, 3], dtype=self.dtype)(nn.relu(Norm(self.dtype)(y)))
        return x + y


def _strided(width: int, kernel: int, stride: int, dtype: Any) -> nn.Conv:
    return nn.Conv(width, [kernel, kernel], [stride, stride], padding="SAME", dtype=dtype)


def _stack_neighbours(x: Float[Array, "b t h w"], num_frames: int) -> Float[Array, "b t h w n"]:
    """Frame t with its (num_frames - 1) / 2 neighbours on each side; zeros beyond the ends."""
    reach = num_frames // 2
    padded = jnp.pad(x, ((0, 0), (reach, reach), (0, 0), (0, 0)))
    return jnp.stack([padded[:, i : i + x.shape[1]] for i in range(num_frames)], axis=-1)
