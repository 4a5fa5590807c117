"""A scorer as one program, for batches and clips of any size."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import export

from avsync import scoring
from avsync.scoring.scorer import Scorer
from avsync.units import CROP_PIXELS, INPUT_PIXELS, SAMPLES_PER_FRAME

# One artefact serves all of them; JAX picks the platform when it is called.
PLATFORMS = ("cpu", "cuda", "tpu")


def make_program(scorer: Scorer, *, channels: Mapping[str, int] | None) -> export.Exported:
    """A program (params, visual, audio, valid) -> results of the scorer by name.

    params: those of `scorer`, float32, as nested dicts. They are no constants of the program: with
    1.2 GiB of them, an artefact that holds them takes 10 GiB and 50 CPU seconds to load.
    visual: uint8 [b t 96 96 1] mouth crops, of which the model sees the central 88 x 88 pixels;
    audio: int16 [b 640t]; valid: bool [b t]. With `channels`, the number for the features of each
    stream, visual and audio are float32 [b t d]. b and t are at least 1.

    Results: frame_scores [b t]; clip_score [b], NaN for a clip without valid frames;
    offset_frames [b] and offset_is_measured [b], see `avsync.scoring.offset`.
    """

    def score(
        params: Any, visual: jax.Array, audio: jax.Array, valid: jax.Array
    ) -> dict[str, jax.Array]:
        visual = visual if channels else _central_pixels(visual)
        offset_logits = scorer.apply(params, visual, audio, valid)
        frames = scoring.frame_scores(offset_logits, name=scorer.frame_score)
        return {
            "frame_scores": frames,
            "clip_score": scoring.clip_score(frames, valid, pooling=scorer.pooling),
            "offset_frames": scoring.clip_offset(offset_logits, valid),
            "offset_is_measured": scoring.offset_is_measured(valid, offset_logits.shape[-1] // 2),
        }

    params = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, jnp.float32), scorer.params)
    return export.export(jax.jit(score), platforms=PLATFORMS)(params, *_inputs(channels))


def _inputs(channels: Mapping[str, int] | None) -> tuple[jax.ShapeDtypeStruct, ...]:
    # From one scope, so that b and t are the same in all inputs.
    batch, time = export.symbolic_shape("b, t")
    if channels:
        visual, audio = (
            jax.ShapeDtypeStruct((batch, time, channels[stream]), jnp.float32)
            for stream in ("visual", "audio")
        )
    else:
        crops = (batch, time, CROP_PIXELS, CROP_PIXELS, 1)
        visual = jax.ShapeDtypeStruct(crops, jnp.uint8)
        audio = jax.ShapeDtypeStruct((batch, SAMPLES_PER_FRAME * time), jnp.int16)
    return visual, audio, jax.ShapeDtypeStruct((batch, time), jnp.bool_)


def _central_pixels(crops: jax.Array) -> jax.Array:
    first = (CROP_PIXELS - INPUT_PIXELS) // 2
    inside = slice(first, first + INPUT_PIXELS)
    return crops[:, :, inside, inside]
