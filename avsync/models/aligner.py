"""The model: two encoders and a head, from clips to `offset_logits`."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from flax import errors
from jaxtyping import Array, Bool, Float, Num

from avsync import lookup
from avsync.models.layers import keep_valid

# Far below any logit, yet finite: exp gives exactly 0 and no infinity meets a zero gradient.
EXCLUDED = -1e9


class Aligner(nn.Module):
    """How well each video frame goes with each of the audio frames around it.

    Attributes:
      visual_encoder, audio_encoder: (input, valid) -> [b t d].
      head: (visual, audio, reach_frames) -> logits.
      reach_frames: candidates on each side; 15 frames are 0.6 s (Smeu et al. 2025).
      edges: what stands where a candidate lies beyond the clip. "masked": nothing, it is no
        candidate. "official": a zero vector that competes with the others, as in the paper's code.
    """

    visual_encoder: nn.Module
    audio_encoder: nn.Module
    head: nn.Module
    reach_frames: int = 15
    edges: str = "masked"

    def __call__(
        self, visual: Num[Array, "b t ..."], audio: Num[Array, "b ..."], valid: Bool[Array, "b t"]
    ) -> Float[Array, "b t k"]:
        """offset_logits [b t k], float32: of video frame t against audio frame t + k - reach.

        k = reach_frames is "in sync". Rows of invalid frames mean nothing.
        """
        return self.align(*self.encode(visual, audio, valid), valid)

    def encode(
        self, visual: Num[Array, "b t ..."], audio: Num[Array, "b ..."], valid: Bool[Array, "b t"]
    ) -> tuple[Float[Array, "b t d"], Float[Array, "b t e"]]:
        """The embeddings of both streams, 0 where not valid."""
        # A padded row has no valid frame; norms must stay finite there too.
        return (
            keep_valid(self.visual_encoder(visual, valid), valid),
            keep_valid(self.audio_encoder(audio, valid), valid),
        )

    def align(
        self,
        visual: Float[Array, "b t d"],
        audio: Float[Array, "b t e"],
        valid: Bool[Array, "b t"],
    ) -> Float[Array, "b t k"]:
        """offset_logits of what `encode` gives."""
        logits = self.head(visual, audio, reach_frames=self.reach_frames).astype(jnp.float32)
        if self.edges == "official":
            return logits
        if self.edges == "masked":
            return jnp.where(_candidates(valid, self.reach_frames), logits, EXCLUDED)
        raise ValueError(lookup.unknown("edge rule", self.edges, ["masked", "official"]))


def require_fit(model: nn.Module, params: Any, inputs: tuple[Any, ...]) -> None:
    """ValueError, naming the layer, if parameters were made for inputs of other shapes."""
    try:
        jax.eval_shape(model.apply, {"params": params}, *inputs)
    except (errors.ScopeParamShapeError, errors.ScopeParamNotFoundError) as error:
        shapes = ", ".join(str(list(x.shape)) for x in inputs)
        raise ValueError(
            f"the checkpoint does not fit inputs of shapes {shapes}: {str(error).splitlines()[0]}"
        ) from error


def _candidates(valid: Bool[Array, "b t"], reach_frames: int) -> Bool[Array, "b t k"]:
    """Whether audio frame t + k - reach is a real frame of the clip."""
    time = valid.shape[1]
    padded = jnp.pad(valid, ((0, 0), (reach_frames, reach_frames)))
    return jnp.stack([padded[:, k : k + time] for k in range(2 * reach_frames + 1)], axis=-1)
