"""offset_logits to scores: of a frame, of a clip, and the offset that the clip prefers.

Scores grow with fakeness.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from avsync import lookup


def require_known(*, frame_score: str = "nll", pooling: str = "mean") -> None:
    """ValueError, with the known names, if there is no such frame score or pooling."""
    for kind, name, known in (
        ("frame score", frame_score, FRAME_SCORES),
        ("pooling", pooling, POOLINGS),
    ):
        if name not in known:
            raise ValueError(lookup.unknown(kind, name, sorted(known)))


def frame_scores(offset_logits: Float[Array, "b t k"], *, name: str) -> Float[Array, "b t"]:
    """How badly each frame fails to pick its own sound, by the rule called `name`.

    "nll": -log softmax at "in sync", in nats: against the frame's own other candidates.
    "logit": the negative logit at "in sync", as in the paper: the pair alone.
    """
    require_known(frame_score=name)
    return FRAME_SCORES[name](offset_logits.astype(jnp.float32))


def clip_score(
    scores: Float[Array, "b t"], valid: Bool[Array, "b t"], *, pooling: str
) -> Float[Array, " b"]:
    """Frame scores pooled over valid frames; NaN for a clip that has none.

    "logsumexp" is the paper's; it grows with the length of a clip, "logmeanexp" does not.
    "mean" takes all frames alike.
    """
    require_known(pooling=pooling)
    pooled = POOLINGS[pooling](scores, valid)
    return jnp.where(valid.any(axis=1), pooled, jnp.nan)


def clip_offset(
    offset_logits: Float[Array, "b t k"], valid: Bool[Array, "b t"]
) -> Int[Array, " b"]:
    """The shift of the whole clip, in frames: +n means that the sound comes n frames late.

    The candidate with the largest mean log-probability over the frames that have all candidates;
    over all valid frames if the clip is too short for that. 0 for a clip without valid frames.
    """
    reach = offset_logits.shape[-1] // 2
    log_probability = jax.nn.log_softmax(offset_logits.astype(jnp.float32))
    time = valid.shape[1]
    padded = jnp.pad(valid, ((0, 0), (reach, reach)))
    complete = jnp.stack([padded[:, k : k + time] for k in range(2 * reach + 1)]).all(axis=0)
    used = jnp.where(complete.any(axis=1, keepdims=True), complete & valid, valid)
    total = jnp.where(used[..., None], log_probability, 0).sum(axis=1)
    return jnp.where(used.any(axis=1), jnp.argmax(total, axis=-1) - reach, 0)


def _nll(offset_logits: Float[Array, "b t k"]) -> Float[Array, "b t"]:
    centre = offset_logits.shape[-1] // 2
    return -jax.nn.log_softmax(offset_logits)[..., centre]


def _logit(offset_logits: Float[Array, "b t k"]) -> Float[Array, "b t"]:
    return -offset_logits[..., offset_logits.shape[-1] // 2]


def _logsumexp(scores: Float[Array, "b t"], valid: Bool[Array, "b t"]) -> Float[Array, " b"]:
    return jax.nn.logsumexp(scores, axis=1, where=valid)


def _logmeanexp(scores: Float[Array, "b t"], valid: Bool[Array, "b t"]) -> Float[Array, " b"]:
    return _logsumexp(scores, valid) - jnp.log(jnp.maximum(valid.sum(axis=1), 1))


def _mean(scores: Float[Array, "b t"], valid: Bool[Array, "b t"]) -> Float[Array, " b"]:
    return jnp.where(valid, scores, 0).sum(axis=1) / jnp.maximum(valid.sum(axis=1), 1)


FRAME_SCORES: dict[str, Callable] = {"nll": _nll, "logit": _logit}
POOLINGS: dict[str, Callable] = {"logsumexp": _logsumexp, "logmeanexp": _logmeanexp, "mean": _mean}
