"""Alignment on real clips, and telling changed real clips from pseudo-fakes made of them.

Both are read off offset_logits, with no head of their own. The alignment loss compares a frame's
own sound with its other candidates; this leaves the level of the logits of a frame open. The logit
at "in sync", which is the paper's frame score with the other sign, is trained to say by its own
level whether the sound is that of the frame. The pooling is that of avsync.scoring, so that the
score "alignment_logit" of an evaluation is what is trained here.
"""

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float

from avsync import scoring
from avsync.train.losses.alignment import alignment_nll
from avsync.train.losses.base import Objective
from avsync.types import Batch

FRAME_SCORE, POOLING = "logit", "logmeanexp"


def clip_nll(
    offset_logits: Float[Array, "b t k"], valid: Bool[Array, "b t"], forged: Float[Array, "b t"]
) -> Float[Array, " b"]:
    """Cross-entropy of "a frame of the clip is forged" given its score, in nats; ln 2 at chance.

    0 for rows without valid frames.
    """
    scores = scoring.frame_scores(offset_logits, name=FRAME_SCORE)
    is_known = valid.any(axis=1)
    # A row without frames has no score; NaN would reach the gradient even where it is not selected.
    padded = valid | ~is_known[:, None]
    score = scoring.clip_score(scores, padded, pooling=POOLING)
    nll = optax.sigmoid_binary_cross_entropy(score, (forged > 0).any(axis=1).astype(jnp.float32))
    return jnp.where(is_known, nll, 0)


def frame_nll(
    offset_logits: Float[Array, "b t k"], valid: Bool[Array, "b t"], forged: Float[Array, "b t"]
) -> Float[Array, "b t"]:
    """Cross-entropy of each frame's `forged` given its score, in nats; 0 for invalid frames."""
    scores = scoring.frame_scores(offset_logits, name=FRAME_SCORE)
    return jnp.where(valid, optax.sigmoid_binary_cross_entropy(scores, forged), 0)


def make_objective(*, clip_weight: float, frame_weight: float) -> Objective:
    """The joint loss, a mean over frames: alignment where batch.loss_mask is True; elsewhere
    `clip_weight` times the loss of the clip plus `frame_weight` times that of the frame.

    Validation clips are not changed, so that their loss is the alignment loss alone and compares
    with that of other trainings. ValueError for a negative weight.
    """
    for name, weight in (("clip_weight", clip_weight), ("frame_weight", frame_weight)):
        if weight < 0:
            raise ValueError(
                f"config.train.pseudo_fakes.{name} must not be negative, got {weight:g}"
            )

    def total(offset_logits: Float[Array, "b t k"], batch: Batch) -> jax.Array:
        aligned = alignment_nll(offset_logits, batch.loss_mask).sum()
        if batch.forged is None:
            return aligned
        judged = batch.valid & ~batch.loss_mask
        of_clips = clip_nll(offset_logits, judged, batch.forged) * judged.sum(axis=1)
        of_frames = frame_nll(offset_logits, judged, batch.forged)
        return aligned + clip_weight * of_clips.sum() + frame_weight * of_frames.sum()

    return Objective(
        total, lambda batch: batch.valid.sum(), unit="frame", is_real_only=True, makes_fakes=True
    )


objective = make_objective(clip_weight=1.0, frame_weight=1.0)
