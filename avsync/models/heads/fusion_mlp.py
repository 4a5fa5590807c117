"""Head of AVH-Align (Smeu et al., CVPR 2025): a small network looks at each pair of frames."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


class Head(nn.Module):
    """Logits of frame t against the 2 `reach_frames` + 1 audio frames around it, float32.

    Each stream goes through a linear layer to `projection` channels; both, the picture first,
    through layers of `widths` with LayerNorm and ReLU to one number. The first three linear maps
    have nothing between them, so they are applied to frames and added up for pairs: 8 times fewer
    multiplications at the paper's sizes.

    The rest, 31 times as large as the features, is computed one offset at a time. What the backward
    pass keeps of it are the results of the matrix products, 48 kB a frame at the paper's sizes; the
    norms between them are cheap to compute again. On two cores that is 1.15 times as fast as
    computing everything again, and 1.4 times as fast as keeping everything, or as four or more
    offsets at once, which no longer fit the cache.
    """

    projection: int = 512
    widths: tuple[int, ...] = (512, 256, 128)
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self,
        visual: Float[Array, "b t d"],
        audio: Float[Array, "b t d"],
        *,
        reach_frames: int,
    ) -> Float[Array, "b t k"]:
        time, num_offsets = visual.shape[1], 2 * reach_frames + 1
        # Beyond the clip are zero vectors in front of every layer, so that their biases count.
        audio = jnp.pad(audio, ((0, 0), (reach_frames, reach_frames), (0, 0)))
        visual = nn.Dense(self.projection, dtype=self.dtype, name="visual_proj")(visual)
        audio = nn.Dense(self.projection, dtype=self.dtype, name="audio_proj")(audio)
        # One [2 projection, widths[0]] matrix cut in two, visual rows first; one bias.
        first = self.widths[0]
        visual = nn.Dense(first, use_bias=False, dtype=self.dtype, name="visual_first")(visual)
        audio = nn.Dense(first, dtype=self.dtype, name="audio_first")(audio)

        def pairs(tail: PairTail, carry: None, offset: jax.Array) -> tuple[None, jax.Array]:
            neighbours = jax.lax.dynamic_slice_in_dim(audio, offset, time, axis=1)
            return carry, tail(visual + neighbours)

        products = jax.checkpoint_policies.dots_with_no_batch_dims_saveable
        pairs = nn.remat(pairs, policy=products, prevent_cse=False)
        scan = nn.scan(pairs, variable_broadcast="params", split_rngs={"params": False})
        tail = PairTail(self.widths, self.dtype, name="tail")
        _, logits = scan(tail, None, jnp.arange(num_offsets))
        return jnp.moveaxis(logits, 0, -1).astype(jnp.float32)


class PairTail(nn.Module):
    """LayerNorm, ReLU and what follows, for each pair: [b t d] to [b t]."""

    widths: tuple[int, ...]
    dtype: Any

    @nn.compact
    def __call__(self, x: Float[Array, "b t d"]) -> Float[Array, "b t"]:
        for i, width in enumerate(self.widths):
            if i > 0:
                x = nn.Dense(width, dtype=self.dtype)(x)
            x = nn.LayerNorm(epsilon=1e-5, dtype=jnp.float32)(x)
            x = jax.nn.relu(x).astype(self.dtype)
        return nn.Dense(1, dtype=self.dtype)(x)[..., 0]
