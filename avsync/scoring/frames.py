"""Frame scores: how badly a frame fails to pick its own sound, by a named rule."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from avsync import lookup
from avsync.ops import in_sync_nll


def frame_scores(offset_logits: Float[Array, "b t k"], *, name: str) -> Float[Array, "b t"]:
    """Score of each frame by the rule called `name`; grows with fakeness. ValueError if unknown.

    "nll": -log softmax at offset 0, in nats: compares the frame's own sound with its candidates.
    "near_nll": the same for offsets -1, 0 and 1 together: sound less than two frames late or early,
    as in many real clips, costs nothing.
    "logit": the negative logit at offset 0, as in the paper: looks at the pair alone.
    "fake_logit": the logit itself, for a head trained with labels to give high values to fakes.
    """
    return require_rule(name)(offset_logits.astype(jnp.float32))


def require_rule(name: str) -> Callable[[jax.Array], jax.Array]:
    """The rule called `name`; ValueError names the nearest and the known ones."""
    lookup.require("frame score", name, sorted(FRAME_SCORES))
    return FRAME_SCORES[name]


def _near_nll(offset_logits: Float[Array, "b t k"]) -> Float[Array, "b t"]:
    centre = offset_logits.shape[-1] // 2
    log_probability = jax.nn.log_softmax(offset_logits)
    near = log_probability[..., max(0, centre - 1) : centre + 2]
    return -jax.nn.logsumexp(near, axis=-1)


def _logit(offset_logits: Float[Array, "b t k"]) -> Float[Array, "b t"]:
    return -_fake_logit(offset_logits)


def _fake_logit(offset_logits: Float[Array, "b t k"]) -> Float[Array, "b t"]:
    return offset_logits[..., offset_logits.shape[-1] // 2]


FRAME_SCORES: dict[str, Callable[[jax.Array], jax.Array]] = {
    "nll": in_sync_nll,
    "near_nll": _near_nll,
    "logit": _logit,
    "fake_logit": _fake_logit,
}
