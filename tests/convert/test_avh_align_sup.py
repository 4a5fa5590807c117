"""The converted supervised head against an independent rendering of its network in NumPy."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Float

from avsync import build, scoring
from avsync.config import default, with_changes
from avsync.convert import avh_align, avh_align_sup, torch_file
from avsync.types import Extraction
from tests.convert import torch_zip
from tests.convert.torch_zip import dict_of, name, plain, set_state

NORM_EPSILON = 1e-5

# The sizes of the published network, divided by 64: features, projection, hidden layers.
FEATURES, PROJECTION, WIDTHS = 16, 8, (8, 4, 2)


def random_state(seed: int = 0) -> dict[str, np.ndarray]:
    """A state dict of random weights under PyTorch's names; linear weights are [out in]."""
    random = np.random.default_rng(seed)
    linear = {"visual_proj": (PROJECTION, FEATURES), "audio_proj": (PROJECTION, FEATURES)}
    sizes = (2 * PROJECTION, *WIDTHS, 1)
    linear |= {f"mlp.{3 * i}": (sizes[i + 1], sizes[i]) for i in range(4)}
    state = {}
    for layer, (after, before) in linear.items():
        state[f"{layer}.weight"] = random.normal(0, before**-0.5, (after, before))
        state[f"{layer}.bias"] = random.normal(0, 0.3, after)
    for i, width in enumerate(WIDTHS):
        state[f"mlp.{3 * i + 1}.weight"] = random.uniform(0.5, 1.5, width)
        state[f"mlp.{3 * i + 1}.bias"] = random.normal(0, 0.3, width)
    return {layer: x.astype(np.float32) for layer, x in state.items()}


def expected_logits(
    state: Mapping[str, np.ndarray],
    visual: Float[np.ndarray, "t d"],
    audio: Float[np.ndarray, "t d"],
) -> Float[np.ndarray, " t"]:
    """The logit of each frame with its own sound, layer by layer as PyTorch's Sequential."""

    def linear(x: np.ndarray, layer: str) -> np.ndarray:
        return x @ state[f"{layer}.weight"].astype(np.float64).T + state[f"{layer}.bias"]

    units = [x / np.linalg.norm(x, axis=-1, keepdims=True) for x in (visual, audio)]
    x = np.concatenate([linear(units[0], "visual_proj"), linear(units[1], "audio_proj")], axis=-1)
    for i in range(3):
        x = linear(x, f"mlp.{3 * i}")
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + NORM_EPSILON)
        norm = f"mlp.{3 * i + 1}"
        x = np.maximum(x * state[f"{norm}.weight"] + state[f"{norm}.bias"], 0)
    return linear(x, "mlp.9")[:, 0]


def read(folder: Path, state: Mapping[str, np.ndarray], **entries: bytes) -> dict[str, Any]:
    """The contents of a file of `state` and further entries."""
    return torch_file.read(write(folder / "sup.ckpt", state, **entries))


def write(path: Path, state: Mapping[str, np.ndarray], **entries: bytes) -> Path:
    tensors, data = torch_zip.arrays(state)
    return torch_zip.write(path, dict_of({"state_dict": tensors, **entries}), data)


def hyper_parameters(*, apply_l2: bool = True, **model: str) -> dict[str, bytes]:
    """The entries of a Lightning checkpoint, with the config of the published training."""
    config = {
        "data_info": {"name": "AV1M", "apply_l2": apply_l2},
        "model_hparams": {"model_type": "mlp", "input_type": "both", **model},
        "epochs": 100,
    }
    version = {"pytorch-lightning_version": plain("2.4.0")}
    return {"hyper_parameters": plain({"config": config}), **version}


def test_clip_scores_are_the_logsumexp_of_the_in_sync_logits(tmp_path):
    state = random_state()
    checkpoint = avh_align_sup.convert_file(read(tmp_path, state, **hyper_parameters()))
    config = with_changes(default(), checkpoint.config)
    assert (config.score.frame, config.score.pooling) == ("fake_logit", "logsumexp")
    extraction = Extraction("none", "", {"visual": FEATURES, "audio": FEATURES})
    scorer = build.make_scorer(config, checkpoint.params, extraction=extraction)
    # The second clip is shorter by three frames: padding changes no score.
    visual, audio = np.random.default_rng(1).normal(size=(2, 2, 9, FEATURES)).astype(np.float32)
    valid = jnp.array([[True] * 9, [True] * 6 + [False] * 3])
    logits = jax.jit(scorer.apply)(scorer.params, visual, audio, valid)
    frames = scoring.frame_scores(logits, name=scorer.frame_score)
    scores = scoring.clip_score(frames, valid, pooling=scorer.pooling)

    for clip, num_frames in ((0, 9), (1, 6)):
        own = [x[clip, :num_frames].astype(np.float64) for x in (visual, audio)]
        expected = expected_logits(state, *own)
        np.testing.assert_allclose(frames[clip, :num_frames], expected, atol=1e-5)
        assert scores[clip] == pytest.approx(np.log(np.exp(expected).sum()), abs=1e-5)


def test_a_file_without_a_config_is_the_default_network(tmp_path):
    with_config = avh_align_sup.convert_file(read(tmp_path, random_state(), **hyper_parameters()))
    without = avh_align_sup.convert_file(read(tmp_path, random_state()))
    assert without.config == with_config.config


def test_avpf_records_its_pooling(tmp_path):
    for agg, pooling in (("logsumexp", "logsumexp"), ("avg", "mean")):
        contents = read(tmp_path, random_state(), **hyper_parameters(agg=agg))
        assert avh_align_sup.convert_file(contents).config["score"]["pooling"] == pooling
    with pytest.raises(ValueError, match="unknown agg in its config: 'max'"):
        contents = read(tmp_path, random_state(), **hyper_parameters(agg="max"))
        avh_align_sup.convert_file(contents)


@pytest.mark.parametrize(
    ("field", "value"), [("model_type", "linear"), ("input_type", "audio"), ("apply_l2", False)]
)
def test_another_network_is_refused(tmp_path, field, value):
    contents = read(tmp_path, random_state(), **hyper_parameters(**{field: value}))
    with pytest.raises(ValueError, match=f"its config has {field} = {value!r}; only"):
        avh_align_sup.convert_file(contents)


def test_each_of_the_two_heads_is_refused_as_the_other(tmp_path):
    supervised = read(tmp_path, random_state(), **hyper_parameters())
    with pytest.raises(ValueError, match="high logit means fake.*avsync-convert avh_align_sup`"):
        avh_align.convert_file(supervised)
    arguments = set_state(name("argparse Namespace") + b")\x81", plain({"tau": 15}))
    aligned = read(tmp_path, random_state(), args=arguments)
    with pytest.raises(ValueError, match="high logit means in sync.*avsync-convert avh_align`"):
        avh_align_sup.convert_file(aligned)
