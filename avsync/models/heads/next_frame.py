"""Head: each frame of the sound is predicted from the frames before it.

After the next-token prediction of SSR-DFD (arXiv 2511.17181), whose code is not public: a causal
network on features of unit length predicts the next one. Here the network is small, and what it
predicts is compared with all candidates, as in contrastive predictive coding (van den Oord et al.,
2018). So the alignment loss trains it, and the frame scores of avsync.scoring are its error:
"logit" is minus the cosine of prediction and sound, times a scale; "nll" compares the frame with
the candidates, of which the network has seen those before it.

It says how well the sound continues itself, not whether lips and sound agree: the A/V offset of
such a model means nothing. On features of a random network it may separate fakes as well; so train
the same head on random frozen encoders, and show its score beside (configs/README.md).
"""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from avsync import lookup
from avsync.models.heads import cosine
from avsync.models.layers import dense
from avsync.ops import unit_length

INPUTS = ("audio", "both")


class Head(nn.Module):
    """Logits of the frame predicted at t against the 2 `reach_frames` + 1 audio frames around t.

    Attributes:
      inputs: what a frame of the sound is predicted from: frames of the "audio" before it, or of
        "both" streams.
      context_frames: how many frames before it; at most config.model.reach_frames.
      hidden: channels of the hidden layer.
      dtype: of the activations; the cosine is always float32.
    """

    inputs: str = "audio"
    context_frames: int = 12
    hidden: int = 256
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self,
        visual: Float[Array, "b t d"],
        audio: Float[Array, "b t e"],
        *,
        reach_frames: int,
    ) -> Float[Array, "b t k"]:
        lookup.require("config.model.head.inputs", self.inputs, list(INPUTS))
        if self.context_frames > reach_frames:
            raise ValueError(
                f"config.model.head.context_frames is {self.context_frames}; it must not exceed "
                f"config.model.reach_frames = {reach_frames}, the frames that a logit may depend on"
            )
        streams = [audio] if self.inputs == "audio" else [audio, visual]
        seen = jnp.concatenate([unit_length(x) for x in streams], axis=-1)
        # Frame t sees those from t - context_frames to t - 1, with zeros before the clip.
        seen = jnp.pad(seen, ((0, 0), (self.context_frames, 0), (0, 0)))[:, :-1]
        width = (self.context_frames,)
        hidden = nn.Conv(self.hidden, width, padding="VALID", dtype=self.dtype, name="past")(seen)
        hidden = nn.gelu(hidden, approximate=False)
        predicted = dense(audio.shape[-1], dtype=self.dtype, name="next")(hidden)
        return cosine.Head(name="cosine")(predicted, audio, reach_frames=reach_frames)
