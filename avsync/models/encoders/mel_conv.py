"""Audio encoder: log-mel bands at 100 Hz, strided convolutions to one embedding per frame."""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int16

from avsync.models.frontend import HOP_SAMPLES, log_mel
from avsync.models.layers import embed_over_time, keep_valid, layer_norm, standardise
from avsync.types import Context
from avsync.units import SAMPLES_PER_FRAME

STRIDES = (1, 2, 2)  # 100 Hz to 25 Hz

# In log-mel frames of 10 ms, the window of 25 ms reaches 1 and the convolutions 2, 1 and 2: 60 ms,
# which is less than two video frames.
FRONT_REACH_FRAMES = 2


class Encoder(nn.Module):
    """Waveform to [b t d], d = `embedding`. By default it sees about 0.2 s around each frame.

    Attributes:
      num_bands: log-mel bands, 0 to 8 kHz.
      widths: channels after each of the three convolutions at 100, 50 and 25 Hz.
      temporal_blocks: residual blocks at 25 Hz.
      embedding: output channels.
      dtype: of the activations; norms are always float32.
    """

    num_bands: int = 64
    widths: tuple[int, int, int] = (128, 192, 256)
    temporal_blocks: int = 2
    embedding: int = 128
    dtype: Any = jnp.float32

    @property
    def context(self) -> Context:
        """The frames around a frame on which its embedding depends."""
        return Context(FRONT_REACH_FRAMES + self.temporal_blocks, is_whole_clip=False)

    @nn.compact
    def __call__(
        self, waveform: Int16[Array, "b s"] | Float[Array, "b s"], valid: Bool[Array, "b t"]
    ) -> Float[Array, "b t d"]:
        steps = SAMPLES_PER_FRAME // HOP_SAMPLES
        # The window of the last valid frame reaches beyond it and must find silence there.
        waveform = keep_valid(waveform, jnp.repeat(valid, SAMPLES_PER_FRAME, axis=1))
        x = log_mel(waveform, num_bands=self.num_bands)
        x = standardise(x, jnp.repeat(valid, steps, axis=1), per_channel=True)
        x = x.astype(self.dtype)
        for i, (width, stride) in enumerate(zip(self.widths, STRIDES, strict=True)):
            steps //= stride
            kernel = 5 if stride == 1 else 2 * stride
            # The window of each output is centred on the inputs that the output replaces.
            before = (kernel - stride) // 2
            x = nn.Conv(
                width, [kernel], stride, padding=[(before, kernel - stride - before)],
                dtype=self.dtype, name=f"stage{i}_conv",
            )(x)  # fmt: skip
            x = nn.relu(layer_norm(x, name=f"stage{i}_norm", dtype=self.dtype))
            x = keep_valid(x, jnp.repeat(valid, steps, axis=1))
        return embed_over_time(
            x,
            valid,
            temporal_blocks=self.temporal_blocks,
            embedding=self.embedding,
            dtype=self.dtype,
        )
