"""AV-HuBERT's parameters for inference on a CPU: another form, the same features."""

from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from avsync import build, weights
from avsync.models.avhubert import inference
from avsync.models.encoders.avhubert import Encoder
from avsync.trained import Trained
from tests.small_models import random_params, small_config

SIZES = {"embedding": 64, "feed_forward": 128, "num_heads": 2, "num_layers": 3}
HALF = jnp.bfloat16


def audio_params(**sizes):
    """NumPy parameters of a network for sound with outputs of deviation 1."""
    model = Encoder(modality="audio", **{**SIZES, **sizes})
    clip, valid = np.zeros((1, 4 * 640), np.int16), np.ones((1, 4), bool)
    random = np.random.default_rng(0)

    def fill(path, like):
        if path[-1].key == "scale":
            return random.uniform(0.5, 2, like.shape).astype(np.float32)
        spread = np.prod(like.shape[-2:-1]) ** -0.5
        return random.normal(0, spread, like.shape).astype(np.float32)

    shapes = jax.eval_shape(model.init, jax.random.key(0), clip, valid)["params"]
    return jax.tree_util.tree_map_with_path(fill, shapes)


def features(params, num_frames=20, dtype=jnp.float32, **options) -> np.ndarray:
    """The features of two clips: one of `num_frames` frames, and one of half as many."""
    waveform = np.random.default_rng(1).integers(-3000, 3000, (2, num_frames * 640))
    valid = np.arange(num_frames) < np.array([[num_frames], [(num_frames + 1) // 2]])
    encoder = Encoder(modality="audio", length="raw", dtype=dtype, **{**SIZES, **options})
    apply = jax.jit(encoder.apply)
    return np.asarray(apply({"params": params}, waveform.astype(np.int16), valid))


def prepared(params, dtype=jnp.float32):
    return Encoder(dtype=dtype, **SIZES).inference_params(params)


def relative(found, exact) -> float:
    return float(np.linalg.norm(found - exact) / np.linalg.norm(exact))


@pytest.mark.parametrize("num_frames", [1, 20, 63, 150])
def test_features_in_float32_are_those_of_the_scan(num_frames):
    params = audio_params()
    exact = features(params, num_frames)
    for options in ({}, {"chunk_frames": 16}):
        found = features(prepared(params), num_frames, **options)
        np.testing.assert_allclose(found, exact, atol=1e-5)


def test_feed_forward_layers_need_not_be_a_multiple_of_the_embedding():
    params = audio_params(feed_forward=96)
    exact = features(params, dtype=HALF, feed_forward=96)
    found = features(prepared(params, HALF), dtype=HALF, feed_forward=96)
    assert relative(found, exact) < 5e-3


def test_features_in_bfloat16_are_as_near_to_float32_as_those_of_the_scan():
    params = audio_params()
    exact = features(params)
    of_scan = features(params, dtype=HALF)
    found = features(prepared(params, HALF), dtype=HALF)
    assert 0 < relative(found, exact) < 1.1 * relative(of_scan, exact)


def test_casting_once_equals_casting_in_every_pass():
    """Kernels that were rounded beforehand give the same features to the bit."""
    params = audio_params()
    rounded = jax.tree_util.tree_map_with_path(
        lambda path, x: x.astype(HALF).astype(np.float32) if path[-1].key == "kernel" else x,
        params,
    )
    once = features(prepared(params, HALF), dtype=HALF)
    np.testing.assert_array_equal(once, features(prepared(rounded, HALF), dtype=HALF))
    kernel, bias = (params["fusion_projection"][name] for name in ("kernel", "bias"))
    cast = prepared(params, HALF)["fusion_projection"]
    np.testing.assert_array_equal(cast["kernel"], kernel.astype(HALF))
    assert cast["bias"] is bias


@pytest.mark.parametrize("num_frames", [1, 25, 64, 200])
def test_the_positional_convolution_is_the_convolution(num_frames):
    random = np.random.default_rng(0)
    kernel = random.normal(0, 1 / 16, (128, 2, 32)).astype(np.float32)
    bias = random.normal(size=32).astype(np.float32)
    x = random.normal(size=(2, num_frames, 32)).astype(np.float32)
    exact = jax.lax.conv_general_dilated(
        x, kernel, (1,), [(64, 63)], dimension_numbers=("NWC", "WIO", "NWC"), feature_group_count=16
    )
    params = {"kernel": inference._position_kernel(kernel, jnp.float32), "bias": bias}
    found = jax.jit(partial(inference._positions, dtype=jnp.float32))(x, params)
    np.testing.assert_allclose(found, exact + bias, atol=2e-5)


def test_kernels_in_float32_share_the_memory_of_the_parameters():
    params = audio_params()
    held = prepared(params)["transformer"][inference.PREPARED]["kernels"]
    stacks = params["transformer"]["blocks"]
    assert len(held) == 3
    assert all(np.shares_memory(block["key"], stacks["key"]["kernel"]) for block in held)
    assert all(np.shares_memory(block["expand"][0], stacks["expand"]["kernel"]) for block in held)


def test_kernels_are_held_in_bfloat16_but_those_of_the_resnet():
    params = audio_params()
    params["resnet"] = {"stem": {"kernel": np.zeros((7, 7, 5, 64), np.float32)}}
    held = prepared(params, HALF)
    assert held["resnet"] is params["resnet"]
    for path, x in jax.tree_util.tree_leaves_with_path({**held, "resnet": {}}):
        is_kernel = "kernel" in jax.tree_util.keystr(path)
        assert x.dtype.itemsize == (2 if is_kernel else 4), path
    (block, *_), num_kernels = held["transformer"][inference.PREPARED]["kernels"], 4 + 2 * 2
    assert len(jax.tree.leaves(block)) == num_kernels


def test_accelerators_keep_the_parameters_as_they_are(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "tpu")
    params = audio_params()
    assert prepared(params) is params


def test_blocks_that_a_training_froze_apart_are_refused():
    params = audio_params()
    params["transformer"]["frozen_blocks"] = params["transformer"]["blocks"]
    with pytest.raises(AssertionError, match="frozen_blocks"):
        prepared(params)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("model", ["avhubert", "shared avhubert", "lip_conv"])
def test_a_scorer_has_the_parameters_for_inference_and_the_fingerprint_of_the_checkpoint(
    model, dtype
):
    config = small_config(model)
    config.model.dtype = dtype
    params = random_params(config, None)
    before = weights.fingerprint({}, params)
    scorer = build.scorer_of(Trained(config, params, Path("random")), None)
    assert scorer.fingerprint == before == weights.fingerprint({}, params)
    inputs = build.inputs_like()
    stored = build.make_scorer(config, params, extraction=None)
    assert stored.params is params
    found, exact = (
        np.asarray(jax.jit(each.encode)(each.params, inputs.visual, inputs.audio, inputs.valid))
        for each in (scorer, stored)
    )
    assert relative(found, exact) < {"float32": 1e-5, "bfloat16": 0.02}[dtype]
    if model == "lip_conv":
        assert scorer.params == params
    else:
        name = "encoder" if model == "shared avhubert" else "visual_encoder"
        assert inference.PREPARED in scorer.params[name]["transformer"]
