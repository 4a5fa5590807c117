"""The model: encoders and a head, from clips to `offset_logits`."""

from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Num

from avsync import lookup
from avsync.models.layers import keep_valid
from avsync.ops import candidate_mask
from avsync.types import UNKNOWN_CONTEXT, Context

# Far below any logit, yet finite: exp gives exactly 0 and no infinity meets a zero gradient.
EXCLUDED = -1e9

EDGES = ("masked", "official")


class Aligner(nn.Module):
    """Scores each video frame against each of the audio frames around it.

    The embeddings of both streams come from two encoders, or from one that has a method
    `streams`, such as AV-HuBERT: its parameters are there once, and front ends run once.

    Attributes:
      head: (visual, audio, reach_frames) -> logits.
      visual_encoder, audio_encoder: (input, valid) -> [b t d]; None if there is an `encoder`.
      encoder: its `streams` is (visual, audio, valid) -> both embeddings; None for two encoders.
      reach_frames: candidates on each side; 15 frames are 0.6 s (Smeu et al. 2025).
      edges: treatment of candidates beyond the ends of the clip. "masked" excludes them. "official"
        puts zero vectors there, which compete with the others, as in the paper's code.
    """

    head: nn.Module
    visual_encoder: nn.Module | None = None
    audio_encoder: nn.Module | None = None
    encoder: nn.Module | None = None
    reach_frames: int = 15
    edges: str = "masked"

    @property
    def context(self) -> Context:
        """The frames around a frame on which its logits depend, by what the encoders state."""
        encoders = (self.encoder, self.visual_encoder, self.audio_encoder)
        contexts = [getattr(x, "context", UNKNOWN_CONTEXT) for x in encoders if x is not None]
        return Context(
            max(context.reach_frames for context in contexts) + self.reach_frames,
            is_whole_clip=any(context.is_whole_clip for context in contexts),
        )

    @nn.nowrap
    def inference_params(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """`params` in the form in which each encoder infers fastest on the default device."""
        prepared = dict(params)
        for name in ("encoder", "visual_encoder", "audio_encoder"):
            if hasattr(encoder := getattr(self, name), "inference_params"):
                prepared[name] = encoder.inference_params(params[name])
        return prepared

    def __call__(
        self, visual: Num[Array, "b t ..."], audio: Num[Array, "b ..."], valid: Bool[Array, "b t"]
    ) -> Float[Array, "b t k"]:
        """offset_logits, float32: of video frame t against audio frame t + k - reach_frames.

        k = reach_frames is "in sync". Rows of invalid frames are meaningless.
        """
        return self.align(*self.encode(visual, audio, valid), valid)

    def encode(
        self, visual: Num[Array, "b t ..."], audio: Num[Array, "b ..."], valid: Bool[Array, "b t"]
    ) -> tuple[Float[Array, "b t d"], Float[Array, "b t e"]]:
        """The embeddings of both streams, 0 where not valid."""
        if self.encoder is not None:
            visual, audio = self.encoder.streams(visual, audio, valid)
        else:
            assert self.visual_encoder is not None and self.audio_encoder is not None
            visual, audio = self.visual_encoder(visual, valid), self.audio_encoder(audio, valid)
        # A padded row has no valid frame; norms must stay finite there too.
        return keep_valid(visual, valid), keep_valid(audio, valid)

    def align(
        self,
        visual: Float[Array, "b t d"],
        audio: Float[Array, "b t e"],
        valid: Bool[Array, "b t"],
    ) -> Float[Array, "b t k"]:
        """offset_logits of the embeddings that `encode` returns."""
        lookup.require("edge rule", self.edges, EDGES)
        logits = self.head(visual, audio, reach_frames=self.reach_frames).astype(jnp.float32)
        if self.edges == "official":
            return logits
        return jnp.where(candidate_mask(valid, self.reach_frames), logits, EXCLUDED)
