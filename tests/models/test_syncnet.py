"""SyncNet and its sound features against PyTorch and python_speech_features, on random weights."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from avsync import weights
from avsync.convert import syncnet as converter
from avsync.models.frontend import mfcc
from avsync.models.syncnet import SyncNet
from tests.models import syncnet_weights

VECTORS = Path(__file__).with_name("syncnet.npz")  # made by syncnet_torch.py
EVERY = 4  # of the 1,024 values of an embedding, the file keeps every fourth


@pytest.fixture(scope="module")
def vectors():
    return np.load(VECTORS)


@pytest.fixture(scope="module")
def params():
    return converter.convert(syncnet_weights.tensors())


def embedded(params, inputs: np.ndarray, *, method: str) -> np.ndarray:
    return np.asarray(SyncNet().apply({"params": params}, jnp.asarray(inputs), method=method))


def relative_error(ours: np.ndarray, expected: np.ndarray) -> float:
    return float(np.linalg.norm(ours - expected) / np.linalg.norm(expected))


def test_converted_parameters_have_the_names_and_shapes_of_the_network(params):
    inputs = (jax.ShapeDtypeStruct((5, 224, 224, 3), np.uint8), syncnet_weights.cepstra())
    fresh = jax.eval_shape(SyncNet().init, jax.random.key(0), *inputs)["params"]
    weights.require_fit(params, fresh, source="the converter")
    assert {array.dtype for array in jax.tree.leaves(params)} == {np.dtype(np.float32)}


def test_embeddings_of_faces_equal_those_of_pytorch(params, vectors):
    ours = embedded(params, syncnet_weights.faces(), method="faces")
    assert ours.shape == (2, 1024)
    assert relative_error(ours[:, ::EVERY], vectors["faces"]) < 1e-5


def test_embeddings_of_sound_equal_those_of_pytorch(params, vectors):
    ours = embedded(params, syncnet_weights.cepstra(), method="sound")
    assert ours.shape == (2, 1024)
    assert relative_error(ours[:, ::EVERY], vectors["sound"]) < 1e-5


def test_cepstra_equal_those_of_python_speech_features(vectors):
    ours = np.asarray(jax.jit(mfcc)(jnp.asarray(syncnet_weights.waveform())[None])[0])
    assert ours.shape == vectors["mfcc"].shape
    assert relative_error(ours, vectors["mfcc"]) < 1e-5
    # Between 0.1 and 40; those of digital silence are 0 but for the first, ln 2^-52.
    np.testing.assert_allclose(ours, vectors["mfcc"], rtol=1e-5, atol=2e-4)


def test_a_window_of_sound_begins_with_every_fourth_frame(params):
    cepstra = syncnet_weights.cepstra()
    both = embedded(params, cepstra, method="sound")
    second = embedded(params, cepstra[4:], method="sound")
    np.testing.assert_allclose(both[1:], second, rtol=1e-4, atol=1e-4)
