"""The A/V offset that a clip prefers, reported apart from how well the sound fits there.

Near the ends of a clip a frame lacks some candidates, and log-probabilities over fewer candidates
are larger: offsets are comparable only over frames that have them all. A short clip has too few of
these, so it is searched within a smaller reach, see `offset_reach`.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from avsync.ops import candidate_mask

# The frames that a short clip keeps for its offset, 0.32 s. On 100 GRID clips of the validation
# split, cut to 25, 28, 30 and 33 frames and scored by the shipped scorer, with sound up to the
# reach less one frame late or early, at least 0.97 of the offsets are found within a frame (0.95
# with 6 frames kept, 0.93 with 4, and with 15 the reach in 25 frames is 5). All frames that have a
# candidate, over the full reach, find 0.82 of the offsets of 12 frames in 25, but on random
# logits they choose 12 or more frames in 0.46 of the clips, where 0.26 is chance.
MIN_SEARCHED_FRAMES = 8

# Within a smaller reach nearly every offset is "right" by chance.
MIN_REACH_FRAMES = 5


def clip_offset(
    offset_logits: Float[Array, "b t k"], valid: Bool[Array, "b t"]
) -> Int[Array, " b"]:
    """A/V offset of the whole clip, in frames: +n means the sound is n frames late.

    The candidate within `offset_reach` with the largest `offset_support`. It means nothing where
    `offset_is_measured` is False; 0 for a clip without valid frames.
    """
    num_offsets = offset_logits.shape[-1]
    support = offset_support(offset_logits, valid)
    best = jnp.argmax(jnp.where(_in_reach(valid, num_offsets), support, -jnp.inf), axis=-1)
    return best - num_offsets // 2


def offset_is_measured(valid: Bool[Array, "b t"], reach_frames: int) -> Bool[Array, " b"]:
    """True for clips long enough to search `MIN_REACH_FRAMES` to both sides, or the whole reach."""
    return offset_reach(valid.sum(axis=1), reach_frames) >= min(MIN_REACH_FRAMES, reach_frames)


def offset_reach(
    num_frames: Int[Array, " b"] | Int[np.ndarray, " b"], reach_frames: int
) -> Int[Array, " b"]:
    """The largest A/V offset that is looked for in clips of `num_frames` valid frames.

    `reach_frames`, or what leaves `MIN_SEARCHED_FRAMES` frames that have all of the candidates: ±8
    frames in a clip of 1 s, ±15 from 38 frames on.
    """
    return jnp.clip((jnp.asarray(num_frames) - MIN_SEARCHED_FRAMES) // 2, 0, reach_frames)


def offset_support(
    offset_logits: Float[Array, "b t k"], valid: Bool[Array, "b t"]
) -> Float[Array, "b k"]:
    """Fit of the whole clip at each offset: the mean of `offset_evidence` over its frames.

    0 for a clip without valid frames.
    """
    used = _is_searched(valid, _in_reach(valid, offset_logits.shape[-1]))
    total = offset_evidence(offset_logits, valid).sum(axis=1)
    return total / jnp.maximum(used.sum(axis=1, keepdims=True), 1)


def offset_evidence(
    offset_logits: Float[Array, "b t k"], valid: Bool[Array, "b t"]
) -> Float[Array, "b t k"]:
    """Fit of each frame at each offset: the log-probability of that candidate, in nats.

    Probabilities are over the candidates within `offset_reach`; one beyond it counts as the worst
    of these. 0 at all offsets for a frame near the start or end, which lacks some candidates.
    """
    in_reach = _in_reach(valid, offset_logits.shape[-1])
    used = _is_searched(valid, in_reach)[..., None]
    logits = jnp.where(in_reach[:, None], offset_logits.astype(jnp.float32), -jnp.inf)
    log_probability = jax.nn.log_softmax(logits)
    worst = log_probability.min(axis=-1, keepdims=True, where=in_reach[:, None], initial=jnp.inf)
    return jnp.where(used, jnp.where(in_reach[:, None], log_probability, worst), 0)


def offset_margin(
    offset_logits: Float[Array, "b t k"], valid: Bool[Array, "b t"]
) -> Float[Array, " b"]:
    """Gain in fit from offset 0 to the best offset of each clip, in nats per frame.

    0 for a clip that fits best in sync, and for one without valid frames.
    """
    # One array: XLA may otherwise compute the fit twice, and differ from 0 in the last digit.
    support = jax.lax.optimization_barrier(offset_support(offset_logits, valid))
    return support.max(axis=-1) - support[:, support.shape[-1] // 2]


def offset_over_chance(
    offset_logits: Float[Array, "b t k"], valid: Bool[Array, "b t"]
) -> Float[Array, " b"]:
    """Fit at the best offset of each clip minus the fit of chance, in nats per frame.

    If it is not positive, the offset means nothing: the sound fits nowhere. 0 for a clip without
    valid frames.
    """
    num_frames = valid.sum(axis=1)
    reach = offset_reach(num_frames, offset_logits.shape[-1] // 2)
    gain = offset_support(offset_logits, valid).max(axis=-1) + jnp.log(2 * reach + 1)
    return jnp.where(num_frames > 0, gain, 0)


def realigned(
    offset_logits: Float[Array, "b t k"], valid: Bool[Array, "b t"]
) -> tuple[Float[Array, "b t k"], Bool[Array, "b t"]]:
    """Logits with the preferred offset of each clip moved to the centre, and the valid frames.

    A frame whose sound at that offset lies beyond the clip is no longer valid.
    """
    time, num_offsets = valid.shape[1], offset_logits.shape[-1]
    offset = clip_offset(offset_logits, valid)[:, None]
    shifted = (jnp.arange(num_offsets) + offset) % num_offsets
    logits = jnp.take_along_axis(offset_logits, shifted[:, None], axis=-1)
    sound = jnp.arange(time) + offset
    has_sound = (sound >= 0) & (sound < valid.sum(axis=1, keepdims=True))
    return logits, valid & has_sound


def _in_reach(valid: Bool[Array, "b t"], num_offsets: int) -> Bool[Array, "b k"]:
    """The candidates that each clip is searched for."""
    reach = num_offsets // 2
    distance = jnp.abs(jnp.arange(num_offsets) - reach)
    return distance <= offset_reach(valid.sum(axis=1), reach)[:, None]


def _is_searched(valid: Bool[Array, "b t"], in_reach: Bool[Array, "b k"]) -> Bool[Array, "b t"]:
    """Valid frames that have all candidates `in_reach`."""
    has_candidate = candidate_mask(valid, in_reach.shape[1] // 2)
    return valid & (has_candidate | ~in_reach[:, None]).all(axis=-1)
