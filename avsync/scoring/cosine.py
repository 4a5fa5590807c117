"""Training-free scores by the cosine of the two embeddings, to compare a head with."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from avsync.ops import unit_length
from avsync.scoring.pooling import percentile

LOW_PERCENTILE = 3.0


def cosine_max_shift(
    visual: Float[Array, "b t d"],
    audio: Float[Array, "b t d"],
    valid: Bool[Array, "b t"],
    *,
    reach_frames: int,
) -> Float[Array, " b"]:
    """Minus the largest mean cosine over shifts of up to `reach_frames` either way.

    The score of SpeechForensics (Liang et al., NeurIPS 2024). Each mean is over the frames that
    have sound at that shift; NaN for a clip without valid frames.
    """
    cosines = _cosines(visual, audio)
    time = valid.shape[1]
    index = np.arange(time)[:, None] + np.arange(-reach_frames, reach_frames + 1)
    is_within = (index >= 0) & (index < time)
    index = np.clip(index, 0, time - 1)
    band = jnp.take_along_axis(cosines, index[None], axis=2)
    pairs = valid[..., None] & valid[:, index] & is_within
    means = jnp.where(pairs, band, 0).sum(axis=1) / jnp.maximum(pairs.sum(axis=1), 1)
    best = jnp.where(pairs.any(axis=1), means, -jnp.inf).max(axis=1)
    return jnp.where(valid.any(axis=1), -best, jnp.nan)


def cosine_low_percentile(
    visual: Float[Array, "b t d"], audio: Float[Array, "b t d"], valid: Bool[Array, "b t"]
) -> Float[Array, " b"]:
    """Minus the 3rd percentile over frames of the cosine, as FACTOR (Reiss et al., 2023) scores.

    NaN for a clip without valid frames.
    """
    in_sync = jnp.einsum("btd,btd->bt", unit_length(visual), unit_length(audio))
    return jnp.where(valid.any(axis=1), -percentile(in_sync, valid, LOW_PERCENTILE), jnp.nan)


def _cosines(visual: Float[Array, "b t d"], audio: Float[Array, "b t d"]) -> Float[Array, "b t t"]:
    return jnp.einsum("btd,bsd->bts", unit_length(visual), unit_length(audio))
