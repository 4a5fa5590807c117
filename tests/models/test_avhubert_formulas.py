"""AV-HuBERT's transformer written out in NumPy, for differences that the reference cannot show.

The reference's outputs agree to five digits with another epsilon in LayerNorm, and to four with
another GELU.
"""

import functools

import jax
import numpy as np
from scipy.special import erf

from avsync.models.encoders.avhubert import Encoder

NUM_FRAMES, DIM, NUM_HEADS, NUM_LAYERS = 5, 32, 2, 2
ENCODER = Encoder(embedding=DIM, feed_forward=64, num_heads=NUM_HEADS, num_layers=NUM_LAYERS)


# Layers whose outputs are summed to the input of a norm.
BEFORE_NORMS = ("audio_projection", "fusion_projection", "positions", "output", "contract")


def exact_gelu(x):
    return x * (1 + erf(x / np.sqrt(2))) / 2


def tanh_gelu(x):
    return x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2


def features(params, sound, *, epsilon=1e-5, gelu=exact_gelu):
    """Features [t d] of sound [t 104] alone, in float64."""

    def linear(x, p):
        return x @ p["kernel"] + p["bias"]

    def norm(x, p):
        deviation = np.sqrt(x.var(axis=-1, keepdims=True) + epsilon)
        return (x - x.mean(axis=-1, keepdims=True)) / deviation * p["scale"] + p["bias"]

    def convolved(x, p):
        """Output t of each of the 16 groups sees the inputs t - 64 to t + 63 of its group."""
        padded = np.pad(x, ((64, 63), (0, 0))).reshape(-1, 16, DIM // 16)
        kernel = p["kernel"].reshape(128, DIM // 16, 16, DIM // 16)
        windows = np.stack([padded[t : t + 128] for t in range(len(x))])
        return np.einsum("tkgi,kigo->tgo", windows, kernel).reshape(x.shape) + p["bias"]

    def attention(x, p):
        query, key, value = (
            linear(x, p[name]).reshape(len(x), NUM_HEADS, -1) for name in ("query", "key", "value")
        )
        logits = np.einsum("tnc,snc->nts", query, key) / np.sqrt(DIM // NUM_HEADS)
        weights = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
        return linear(np.einsum("nts,snc->tnc", weights, value).reshape(x.shape), p["output"])

    audio = linear(sound, params["audio_projection"])
    x = norm(np.concatenate([audio, np.zeros_like(audio)], axis=-1), params["fusion_norm"])
    x = linear(x, params["fusion_projection"])
    transformer = params["transformer"]
    x = x + gelu(convolved(x, transformer["positions"]))
    for i in range(NUM_LAYERS):
        p = jax.tree.map(lambda leaf, i=i: leaf[i], transformer["blocks"])
        x = x + attention(norm(x, p["attention_norm"]), p)
        wide = gelu(linear(norm(x, p["feed_forward_norm"]), p["expand"]))
        x = x + linear(wide, p["contract"])
    return norm(x, transformer["final_norm"])


def example(size_before_norms):
    """Random parameters, a clip, and its features by the encoder.

    Parameters have size 1, except in the layers before a norm, `BEFORE_NORMS`.
    """
    random = np.random.default_rng(0)
    sound = random.normal(size=(NUM_FRAMES, 104)).astype(np.float32)
    valid = np.ones((1, NUM_FRAMES), bool)
    init = functools.partial(ENCODER.init, method="fuse")
    shapes = jax.eval_shape(init, jax.random.key(0), None, sound[None], valid)["params"]

    def draw(path, x):
        size = size_before_norms if path[-2].key in BEFORE_NORMS else 1
        num_summed = np.prod(x.shape[:-1]) if len(x.shape) > 1 else 1
        return (size * random.normal(size=x.shape) / np.sqrt(num_summed)).astype(np.float32)

    params = jax.tree_util.tree_map_with_path(draw, shapes)
    apply = jax.jit(functools.partial(ENCODER.apply, method="fuse"))
    with jax.default_matmul_precision("highest"):
        ours = apply({"params": params}, None, sound[None], valid)[0]
    return params, sound, np.asarray(ours)


def distance(ours, reference):
    return np.linalg.norm(ours - reference) / np.linalg.norm(reference)


def test_every_layer_norm_has_the_epsilon_of_pytorch():
    """The variance at each norm is about 1e-6; a single norm with Flax's 1e-6 is 2e-2 off."""
    params, sound, ours = example(size_before_norms=1e-3)
    assert distance(ours, features(params, sound)) < 1e-5
    assert distance(ours, features(params, sound, epsilon=1e-6)) > 1e-2


def test_both_gelus_are_exact():
    params, sound, ours = example(size_before_norms=1.0)
    assert distance(ours, features(params, sound)) < 1e-6
    assert distance(ours, features(params, sound, gelu=tanh_gelu)) > 1e-5
