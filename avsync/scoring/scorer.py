"""A trained model and the rules that turn its logits into scores."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax

from avsync.types import UNKNOWN_CONTEXT, Context


class Scorer(NamedTuple):
    """A model with its parameters and the names of its frame-score and pooling rules.

    encode: (params, visual, audio, valid) -> the two embeddings [b t d].
    align: (params, the two embeddings, valid) -> offset_logits.
    context: the frames around a frame on which its offset_logits depend.
    fingerprint: of the parameters in the checkpoint, which `params` may hold in another form; "" if
      it was not computed.
    """

    params: Any
    encode: Callable[..., tuple[jax.Array, jax.Array]]
    align: Callable[..., jax.Array]
    reach_frames: int
    frame_score: str
    pooling: str
    context: Context = UNKNOWN_CONTEXT
    fingerprint: str = ""

    def apply(self, params: Any, visual: Any, audio: Any, valid: Any) -> jax.Array:
        """offset_logits [b t k] of clips or features."""
        return self.align(params, *self.encode(params, visual, audio, valid), valid)
