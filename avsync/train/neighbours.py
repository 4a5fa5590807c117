"""More to choose from: beside its own clip's sounds, each frame is offered those of other clips."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Num

from avsync.parallel import AXIS
from avsync.train.step import Apply


def among_neighbours(
    encode: Callable[..., tuple[jax.Array, jax.Array]], align: Apply, *, reach_clips: int
) -> Apply:
    """(params, visual, audio, valid) -> offset_logits [b t (2 reach_clips + 1) k], for training.

    Frame t of a clip may choose among the frames around t of its own clip, in the middle, and of
    `reach_clips` clips on each side of it in the batch of all devices, which is a ring. "In sync"
    is in the middle still, so that every loss takes them as they are; ln((2 reach_clips + 1) k) is
    chance. `encode(params, visual, audio, valid)` gives the embeddings of both streams, and
    `align(params, visual, audio, valid)` their offset_logits [b t k]; to be called within a
    mapped step.
    """

    def apply(
        params: Any,
        visual: Num[Array, "b t ..."],
        audio: Num[Array, "b ..."],
        valid: Bool[Array, "b t"],
    ) -> Float[Array, "b t k2"]:
        visual, audio = encode(params, visual, audio, valid)
        num_clips = len(valid)
        # The gradient of what all devices gather goes back to the device that it came from.
        sounds, are_valid = (jax.lax.all_gather(x, AXIS, tiled=True) for x in (audio, valid))
        assert 2 * reach_clips < len(are_valid), "a clip would be beside itself"
        rows = jax.lax.axis_index(AXIS) * num_clips + jnp.arange(num_clips)

        def logits_against(shift: jax.Array) -> jax.Array:
            others = (rows + shift) % len(are_valid)
            return align(params, visual, sounds[others], are_valid[others])

        logits = jax.lax.map(logits_against, jnp.arange(-reach_clips, reach_clips + 1))
        return jnp.concatenate(list(logits), axis=-1)

    return apply
