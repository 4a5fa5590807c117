"""Audio encoder: log-mel bands at 100 Hz through strided convolutions to one embedding a frame."""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int16

from avsync.models.frontend import HOP_SAMPLES, log_mel
from avsync.models.layers import Norm, TemporalBlock, keep_valid, standardise
from avsync.units import SAMPLES_PER_FRAME

STRIDES = (1, 2, 2)  # 100 Hz to 25 Hz


class Encoder(nn.Module):
    """Waveform to [b t d], d = `embedding`. Sees about 0.2 s around each frame by default.

    Attributes:
      num_bands: log-mel bands, 0 to 8 kHz.
      widths: channels after each of the three convolutions at 100, 50 and 25 Hz.
      temporal_blocks: residual blocks at 25 Hz.
      embedding: channels out.
      dtype: of the activations; norms are always float32.
    """

    num_bands: int = 64
    widths: tuple[int, int, int] = (128, 192, 256)
    temporal_blocks: int = 2
    embedding: int = 128
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self, waveform: Int16[Array, "b s"] | Float[Array, "b s"], valid: Bool[Array, "b t"]
    ) -> Float[Array, "b t d"]:
        steps = SAMPLES_PER_FRAME // HOP_SAMPLES
        # The window of the last valid frame reaches beyond it: into silence, whatever is there.
        waveform = keep_valid(waveform, jnp.repeat(valid, SAMPLES_PER_FRAME, axis=1))
        x = log_mel(waveform, num_bands=self.num_bands)
        x = standardise(x, jnp.repeat(valid, steps, axis=1), per_channel=True)
        x = x.astype(self.dtype)
        for width, stride in zip(self.widths, STRIDES, strict=True):
            steps //= stride
            kernel = 5 if stride == 1 else 2 * stride
            # The window of output i is centred on the inputs it replaces.
            before = (kernel - stride) // 2
            x = nn.Conv(
                width, [kernel], stride, padding=[(before, kernel - stride - before)],
                dtype=self.dtype,
            )(x)  # fmt: skip
            x = keep_valid(nn.relu(Norm(self.dtype)(x)), jnp.repeat(valid, steps, axis=1))
        for _ in range(self.temporal_blocks):
            x = TemporalBlock(self.dtype)(x, valid)
        return keep_valid(nn.Dense(self.embedding, dtype=self.dtype)(Norm(self.dtype)(x)), valid)
