"""Head: cosine of the two embeddings, times a learned scale."""

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


class Head(nn.Module):
    """Logits of frame t against the 2 `reach_frames` + 1 audio frames around it, float32.

    Attributes:
      initial_scale: the cosine's weight at the start; it is learned.
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
                f"the cosine head needs embeddings of one size, got {visual.shape[-1]} (visual) and "
                f"{audio.shape[-1]} (audio): set the embedding of config.model.visual and of "
                "config.model.audio to the same value, or use the head 'fusion_mlp'"
            )
        initial = nn.initializers.constant(np.log(self.initial_scale))
        log_scale = self.param("log_scale", initial, ())
        time, num_offsets = visual.shape[1], 2 * reach_frames + 1
        audio = jnp.pad(_unit(audio), ((0, 0), (reach_frames, reach_frames), (0, 0)))
        # All pairs, of which the band around the diagonal is kept: one matrix product is faster
        # than 31 short ones up to several hundred frames.
        cosines = jnp.einsum("btd,bsd->bts", _unit(visual), audio)
        band = jnp.arange(time)[:, None] + jnp.arange(num_offsets)
        return jnp.exp(log_scale) * jnp.take_along_axis(cosines, band[None], axis=2)


def _unit(x: Float[Array, "b t d"]) -> Float[Array, "b t d"]:
    # The root is kept from 0, where its gradient is infinite: padded frames are zero vectors.
    x = x.astype(jnp.float32)
    return x / jnp.sqrt(jnp.sum(jnp.square(x), axis=-1, keepdims=True) + 1e-12)
