"""Clip scores: frame scores pooled by a named rule.

Valid frames come first in a clip, then padding; padding changes no score.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from avsync import lookup
from avsync.units import FRAMES_PER_SECOND

TOP_FRAMES = 10
PERCENTILE = 95.0
WINDOW_FRAMES = round(0.4 * FRAMES_PER_SECOND)

Pooling = Callable[[jax.Array, jax.Array], jax.Array]


def clip_score(
    scores: Float[Array, "b t"], valid: Bool[Array, "b t"], *, pooling: str
) -> Float[Array, " b"]:
    """Frame scores pooled over valid frames; NaN for a clip that has none. ValueError if unknown.

    "logsumexp" is the paper's rule and grows with the length of a clip; "logmeanexp" does not.
    "mean" weighs all frames equally. "top_k" is the mean of the 10 highest frame scores,
    "percentile" the 95th percentile, "window" the highest mean over 0.4 s: these three look for
    local forgeries, and a longer clip is likelier to have some bad frames.
    """
    pooled = require_pooling(pooling)(scores, valid)
    return jnp.where(valid.any(axis=1), pooled, jnp.nan)


def require_pooling(name: str) -> Pooling:
    """The rule called `name`; ValueError names the nearest and the known ones."""
    lookup.require("pooling", name, sorted(POOLINGS))
    return POOLINGS[name]


def _logsumexp(scores: Float[Array, "b t"], valid: Bool[Array, "b t"]) -> Float[Array, " b"]:
    return jax.nn.logsumexp(scores, axis=1, where=valid)


def _logmeanexp(scores: Float[Array, "b t"], valid: Bool[Array, "b t"]) -> Float[Array, " b"]:
    return _logsumexp(scores, valid) - jnp.log(_count(valid))


def _mean(scores: Float[Array, "b t"], valid: Bool[Array, "b t"]) -> Float[Array, " b"]:
    return jnp.where(valid, scores, 0).sum(axis=1) / _count(valid)


def _top_k(scores: Float[Array, "b t"], valid: Bool[Array, "b t"]) -> Float[Array, " b"]:
    highest_first = -jnp.sort(jnp.where(valid, -scores, jnp.inf), axis=1)[:, :TOP_FRAMES]
    is_own = jnp.arange(highest_first.shape[1]) < _count(valid)[:, None]
    return _mean(highest_first, is_own)


def _percentile(scores: Float[Array, "b t"], valid: Bool[Array, "b t"]) -> Float[Array, " b"]:
    return percentile(scores, valid, PERCENTILE)


def _window(scores: Float[Array, "b t"], valid: Bool[Array, "b t"]) -> Float[Array, " b"]:
    # A clip shorter than the window is one window.
    width = jnp.minimum(WINDOW_FRAMES, _count(valid))
    before = jnp.pad(jnp.cumsum(jnp.where(valid, scores, 0), axis=1), ((0, 0), (1, 0)))
    first = jnp.arange(scores.shape[1])
    last = first + width[:, None]
    ends = jnp.take_along_axis(before, jnp.minimum(last, scores.shape[1]), axis=1)
    means = (ends - before[:, :-1]) / width[:, None]
    return jnp.where(last <= _count(valid)[:, None], means, -jnp.inf).max(axis=1)


def percentile(
    values: Float[Array, "b t"], valid: Bool[Array, "b t"], q: float
) -> Float[Array, " b"]:
    """The q-th percentile of the valid values in each row, interpolated linearly as in NumPy."""
    ascending = jnp.sort(jnp.where(valid, values, jnp.inf), axis=1)
    place = q / 100 * (_count(valid) - 1)
    below = jnp.floor(place).astype(int)
    above = jnp.minimum(below + 1, _count(valid) - 1)
    low, high = (jnp.take_along_axis(ascending, i[:, None], axis=1)[:, 0] for i in (below, above))
    return low + (high - low) * (place - below)


def _count(valid: Bool[Array, "b t"]) -> jax.Array:
    return jnp.maximum(valid.sum(axis=1), 1)


POOLINGS: dict[str, Pooling] = {
    "logsumexp": _logsumexp,
    "logmeanexp": _logmeanexp,
    "mean": _mean,
    "top_k": _top_k,
    "percentile": _percentile,
    "window": _window,
}
