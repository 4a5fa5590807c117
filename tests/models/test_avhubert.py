"""AV-HuBERT against the reference's outputs, and what padding, chunks and options do to it."""

import functools

import jax
import numpy as np
import pytest

from avsync.convert import torch_file
from avsync.convert.avhubert import convert
from avsync.models.encoders.avhubert import Encoder

TINY = {"embedding": 32, "feed_forward": 64, "num_heads": 2, "num_layers": 2}


@pytest.fixture(scope="module")
def folder(testdata):
    return testdata / "avhubert_tiny"


@pytest.fixture(scope="module")
def published(folder):
    """Parameters and options of a small network in the published layout."""
    contents = torch_file.read(folder / "ckpt.pt")
    return convert(torch_file.state_dict(contents, entry="model"), contents["cfg"])


def run(encoder, params, *inputs, method=None):
    with jax.default_matmul_precision("highest"):
        apply = jax.jit(functools.partial(encoder.apply, method=method))
        return np.asarray(apply({"params": params}, *inputs))


def assert_same_features(ours, reference):
    """The tolerance of facts measured on the reference: 20 times what float32 does to it."""
    assert np.abs(ours - reference).max() <= 5e-4
    assert np.linalg.norm(ours - reference) <= 1e-4 * np.linalg.norm(reference)


def random_params(encoder, *inputs, scale=1.0, method=None):
    """Initial parameters plus noise, so that no bias is 0 and no gain 1."""
    shapes = jax.eval_shape(
        functools.partial(encoder.init, method=method), jax.random.key(0), *inputs
    )
    random = np.random.default_rng(0)

    def draw(x):
        fan_in = np.prod(x.shape[-2:-1]) if len(x.shape) > 1 else 1
        return (random.normal(size=x.shape) * scale / np.sqrt(fan_in)).astype(x.dtype)

    return jax.tree.map(draw, shapes["params"])


@pytest.mark.parametrize("modality", ["audio", "video", "av"])
@pytest.mark.parametrize("file", ["io", "padded"])
def test_features_are_those_of_the_reference(folder, published, file, modality):
    vectors = np.load(folder / f"{file}.npz")
    frames, sound = vectors["video"].transpose(0, 2, 3, 4, 1), vectors["audio"].transpose(0, 2, 1)
    valid = np.ones(sound.shape[:2], bool)
    if file == "padded":
        valid = ~vectors["padding_mask"]
    inputs = {"audio": (None, sound), "video": (frames, None), "av": (frames, sound)}[modality]
    ours = run(Encoder(**published.options), published.params, *inputs, valid, method="fuse")
    assert_same_features(ours[valid], vectors[f"out_{modality}"][valid])
    assert (ours[~valid] == 0).all()


@pytest.mark.parametrize("modality", ["audio", "video"])
def test_crops_and_waveforms_give_the_features_of_the_reference(folder, published, modality):
    vectors = np.load(folder / "io.npz")
    clips = {
        "audio": vectors["wav_i16"][None],
        "video": vectors["video_u8"][None, :, 4:92, 4:92, None],
    }
    encoder = Encoder(modality=modality, length="raw", **published.options)
    ours = run(encoder, published.params, clips[modality], np.ones((1, 20), bool))
    assert_same_features(ours, vectors[f"out_{modality}"])
