"""How badly a frame fails to pick its own sound, by rules with a name."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from avsync import lookup
from avsync.ops import in_sync_nll


def frame_scores(offset_logits: Float[Array, "b t k"], *, name: str) -> Float[Array, "b t"]:
    """Grows with fakeness. ValueError, with the known names, if there is no rule of this name.

    "nll": -log softmax at "in sync", in nats: against the frame's own other candidates.
    "logit": the negative logit at "in sync", as in the paper: the pair alone.
    "fake_logit": the logit itself, of a head that was taught by labels to say "fake" there.
    """
    return require_rule(name)(offset_logits.astype(jnp.float32))


def require_rule(name: str) -> Callable[[jax.Array], jax.Array]:
    """The rule called `name`; ValueError, with the known names, if there is none."""
    lookup.require("frame score", name, sorted(FRAME_SCORES))
    return FRAME_SCORES[name]


def _logit(offset_logits: Float[Array, "b t k"]) -> Float[Array, "b t"]:
    return -_fake_logit(offset_logits)


def _fake_logit(offset_logits: Float[Array, "b t k"]) -> Float[Array, "b t"]:
    return offset_logits[..., offset_logits.shape[-1] // 2]


FRAME_SCORES: dict[str, Callable[[jax.Array], jax.Array]] = {
    "nll": in_sync_nll,
    "logit": _logit,
    "fake_logit": _fake_logit,
}
