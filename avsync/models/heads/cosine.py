"""Head: cosine of the two embeddings, times a learned scale."""

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from avsync.ops import unit_length


class Head(nn.Module):
    """Logits of frame t against the 2 `reach_frames` + 1 audio frames around it, float32.

    Attributes:
      initial_scale: factor of the cosine at the start of training; it is learned.
    """

    initial_scale: float = 10.0

    @nn.compact
    def __call__(
        self,
        visual: Float[Array, "b t d"],
        audio: Float[Array, "b t e"],
        *,
        reach_frames: int,
    ) -> Float[Array, "b t k"]:
        if visual.shape[-1] != audio.shape[-1]:
            raise ValueError(
                f"the cosine head needs embeddings of one size, got {visual.shape[-1]} (visual) "
                f"and {audio.shape[-1]} (audio): set config.model.visual.embedding and "
                "config.model.audio.embedding to the same value, or use the head 'fusion_mlp'"
            )
        initial = nn.initializers.constant(np.log(self.initial_scale))
        log_scale = self.param("log_scale", initial, ())
        time, num_offsets = visual.shape[1], 2 * reach_frames + 1
        audio = jnp.pad(unit_length(audio), ((0, 0), (reach_frames, reach_frames), (0, 0)))
        # All pairs are computed and the band around the diagonal is kept: one matrix product is
        # faster than 31 short ones up to several hundred frames.
        cosines = jnp.einsum("btd,bsd->bts", unit_length(visual), audio)
        band = jnp.arange(time)[:, None] + jnp.arange(num_offsets)
        return jnp.exp(log_scale) * jnp.take_along_axis(cosines, band[None], axis=2)
