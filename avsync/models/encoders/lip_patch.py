"""Visual encoder: patches of pixels and of features as matrix products, convolutions over time."""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, UInt8

from avsync.models.encoders._lips import embed_pictures, stacked_frames
from avsync.models.layers import dense, layer_norm
from avsync.types import Context


class Encoder(nn.Module):
    """Mouth crops to [b t d], d = `embedding`; the encoder of choice without an accelerator.

    Squares of pixels that do not overlap become one matrix product, and so does each join of 2 x 2
    squares. With the gradient, a frame costs 0.38 CPU ms where `lip_conv` costs 0.83 (two cores of
    Sapphire Rapids, 8 clips of 72 frames), for the same AUC on GRID and no worse one on talkers
    that were not trained on (configs/grid.py). With 8 pixels a side, a third of the time would go
    into norms: the first squares have 12.

    Attributes:
      pool: side of the pixel squares that are averaged first.
      stem_frames: video frames that each patch covers.
      patch: side of the first patches, in averaged pixels; they do not overlap.
      stem_width: channels of a patch.
      widths: channels of each stage; every stage joins squares of 2 x 2.
      features: channels per frame after the image is flattened.
      temporal_blocks: residual blocks over time.
      embedding: output channels.
      dtype: of the activations; norms are always float32.
    """

    pool: int = 2
    stem_frames: int = 5
    patch: int = 6
    stem_width: int = 64
    widths: tuple[int, ...] = (128, 192)
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
        side = self.patch * 2 ** len(self.widths)
        x = self._joined(_padded(x, side), "stem", self.stem_width, self.patch)
        for stage, width in enumerate(self.widths):
            x = self._joined(x, f"stage{stage}", width, 2)
        return embed_pictures(
            x,
            valid,
            features=self.features,
            temporal_blocks=self.temporal_blocks,
            embedding=self.embedding,
            dtype=self.dtype,
        )

    def _joined(
        self, x: Float[Array, "n h w c"], name: str, width: int, side: int
    ) -> Float[Array, "n h2 w2 d"]:
        """Each square of `side` x `side` pixels through one Dense, LayerNorm and ReLU."""
        n, h, w, c = x.shape
        x = x.reshape(n, h // side, side, w // side, side, c).transpose(0, 1, 3, 2, 4, 5)
        x = x.reshape(n, h // side, w // side, side * side * c)
        x = dense(width, dtype=self.dtype, name=f"{name}_patches")(x)
        return nn.relu(layer_norm(x, name=f"{name}_norm", dtype=self.dtype))


def _padded(x: Float[Array, "n h w c"], multiple: int) -> Float[Array, "n h2 w2 c"]:
    """`x` with zeros on all sides, so that height and width are multiples of `multiple`."""
    margins = [(-size % multiple) for size in x.shape[1:3]]
    pads = [(m // 2, m - m // 2) for m in margins]
    return jnp.pad(x, ((0, 0), *pads, (0, 0)))
