"""Training-only transforms of a model's apply function: remat and cross-clip negatives."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Num

from avsync import lookup
from avsync.parallel import AXIS
from avsync.train.step import Apply

REMAT = ("none", "cheap")


def with_remat(apply: Apply, policy: str) -> Apply:
    """`apply` with gradient rematerialisation; for "cheap" it trades time for memory.

    "cheap" keeps the results of convolutions and matrix products, which take nearly all the time
    and a fraction of the memory: for 3 s of a clip, 11 MB instead of 32 with the default encoders,
    195 instead of 759 with a ResNet-18 trunk. XLA for CPUs merges the second computation with the
    first and saves no memory. ValueError lists the known policies.
    """
    lookup.require("remat", policy, list(REMAT))
    if policy == "none":
        return apply
    return jax.checkpoint(apply, policy=jax.checkpoint_policies.dots_saveable)


def with_cross_clip_negatives(
    encode: Callable[..., tuple[jax.Array, jax.Array]], align: Apply, *, reach_clips: int
) -> Apply:
    """(params, visual, audio, valid) -> offset_logits [b t (2 reach_clips + 1) k], for training.

    The candidates of frame t are the audio frames around t of its own clip, in the middle, and of
    `reach_clips` clips on each side of it in the global batch, which is treated as a ring. "In
    sync" remains the centre, so every loss applies unchanged; chance is ln((2 reach_clips + 1) k).

    encode: (params, visual, audio, valid) -> the embeddings of both streams.
    align: (params, visual, audio, valid) -> offset_logits [b t k] of embeddings.

    The result must be called within a mapped step.
    """

    def apply(
        params: Any,
        visual: Num[Array, "b t ..."],
        audio: Num[Array, "b ..."],
        valid: Bool[Array, "b t"],
    ) -> Float[Array, "b t k2"]:
        visual, audio = encode(params, visual, audio, valid)
        num_clips = len(valid)
        # The gradient of gathered embeddings flows back to the device they came from.
        all_audio, all_valid = (jax.lax.all_gather(x, AXIS, tiled=True) for x in (audio, valid))
        assert 2 * reach_clips < len(all_valid), "a clip would be its own negative"
        rows = jax.lax.axis_index(AXIS) * num_clips + jnp.arange(num_clips)

        def logits_against(shift: jax.Array) -> jax.Array:
            others = (rows + shift) % len(all_valid)
            return align(params, visual, all_audio[others], all_valid[others])

        logits = jax.lax.map(logits_against, jnp.arange(-reach_clips, reach_clips + 1))
        return jnp.concatenate(list(logits), axis=-1)

    return apply
