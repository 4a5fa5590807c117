"""Long clips through a transformer in chunks: near the whole clip, in little memory."""

from typing import Any

import jax
import numpy as np
import pytest

from avsync import build, trained
from avsync.config import default, encoder, head
from avsync.models.encoders.avhubert import Encoder
from avsync.scoring.video.chunks import ATTENTION, ChunkSize, offset_logits
from avsync.scoring.video.long_clip import LongClip

TINY: dict[str, Any] = {"embedding": 64, "feed_forward": 128, "num_heads": 4, "num_layers": 2}

SIZE = ChunkSize(250, margin_frames=80)  # more than 64 + 15 frames; there is no picture

features = jax.jit(Encoder(modality="audio", chunk_frames=64, **TINY).apply)


def random_params(shapes):
    """Normal kernels and biases; norms as at the start of training."""
    random = np.random.default_rng(0)

    def fill(path, like):
        if path[-1].key == "scale":
            return np.ones(like.shape, np.float32)
        spread = np.prod(like.shape[-2:-1]) ** -0.5
        return random.normal(0, spread, like.shape).astype(np.float32)

    return jax.tree_util.tree_map_with_path(fill, shapes)


def in_chunks_and_whole(params, num_frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Features of the sound of a long clip, in the place of logits."""
    waveform = np.random.default_rng(1).integers(-3000, 3000, num_frames * 640).astype(np.int16)
    black = np.zeros((num_frames, 1, 1, 1), np.uint8)
    clip = LongClip(num_frames, lambda first, end: black[first:end], waveform)

    def model(visual, audio, valid):
        del visual
        return 3 * (features({"params": params}, audio, valid),)

    chunked, whole = (
        offset_logits(clip, model, size=size, advance=lambda done: None)
        for size in (SIZE, ChunkSize(num_frames, margin_frames=0))
    )
    return chunked, whole


@pytest.fixture(scope="module")
def params():
    model = Encoder(modality="audio", **TINY)
    clip, valid = np.zeros((1, 4 * 640), np.int16), np.ones((1, 4), bool)
    return random_params(jax.eval_shape(model.init, jax.random.key(0), clip, valid)["params"])


def test_only_attention_beyond_the_chunk_is_missing(params):
    """Without attention, chunks give the features of the whole clip."""
    blind = jax.tree.map(lambda x: x, params)
    output = blind["transformer"]["blocks"]["output"]
    blind["transformer"]["blocks"]["output"] = jax.tree.map(np.zeros_like, output)
    chunked, whole = in_chunks_and_whole(blind, num_frames=500)
    np.testing.assert_allclose(chunked[:-1], whole[:-1], atol=2e-6)


def test_features_of_unit_length_hardly_depend_on_attention_to_other_chunks(params):
    chunked, whole = in_chunks_and_whole(params, num_frames=500)
    distances = np.linalg.norm(chunked - whole, axis=-1)
    # Random weights attend to all frames nearly alike: the chunk's average for the clip's.
    assert 1e-4 < distances.mean() < 0.05


def test_a_clip_of_one_chunk_is_scored_whole(params):
    chunked, whole = in_chunks_and_whole(params, num_frames=250)
    np.testing.assert_array_equal(chunked, whole)


def test_a_chunk_of_the_large_model_takes_a_tenth_of_the_memory_of_its_weights():
    config = default()
    config.model.visual = encoder("avhubert", modality="both")
    config.model.audio = encoder("shared")
    config.model.head = head("fusion_mlp")
    model = build.make_model(config)
    shapes = jax.eval_shape(lambda: build.init_params(model, build.inputs_like(), seed=0))
    config = trained.in_chunks(config)
    scorer = build.make_scorer(config, shapes, extraction=None)
    held = jax.eval_shape(build.make_model(config).inference_params, shapes)
    num_frames = ATTENTION.num_frames
    chunk = (
        jax.ShapeDtypeStruct((1, num_frames, 88, 88, 1), np.uint8),
        jax.ShapeDtypeStruct((1, num_frames * 640), np.int16),
        jax.ShapeDtypeStruct((1, num_frames), bool),
    )
    memory = jax.jit(scorer.apply).lower(held, *chunk).compile().memory_analysis()
    assert memory is not None
    assert memory.argument_size_in_bytes / 2**20 == pytest.approx(1_256, abs=10)
    assert memory.temp_size_in_bytes / 2**20 < 150
