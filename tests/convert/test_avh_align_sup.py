"""The converted supervised head against an independent rendering of its network in NumPy."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from avsync import build, scoring
from avsync.config import default, with_changes
from avsync.convert import avh_align, avh_align_sup, torch_file
from avsync.types import Extraction
from tests.convert import heads
from tests.convert.torch_zip import name, plain, set_state

FEATURES = 16  # a 64th of the published network's, like all its sizes

STATE = heads.random_state(features=FEATURES, projection=8, widths=(8, 4, 2))


def read(folder: Path, **entries: bytes) -> dict[str, Any]:
    """The contents of a file with the head and further entries."""
    return torch_file.read(heads.write(folder / "sup.ckpt", STATE, **entries))


def hyper_parameters(*, apply_l2: bool | None = True, **model: str) -> dict[str, bytes]:
    """The entries of a Lightning checkpoint, with the config of the published training."""
    scaling = {} if apply_l2 is None else {"apply_l2": apply_l2}
    config = {
        "data_info": {"name": "AV1M", **scaling},
        "model_hparams": {"model_type": "mlp", "input_type": "both", **model},
        "epochs": 100,
    }
    version = {"pytorch-lightning_version": plain("2.4.0")}
    return {"hyper_parameters": plain({"config": config}), **version}


def test_clip_scores_are_the_logsumexp_of_the_in_sync_logits(tmp_path):
    checkpoint = avh_align_sup.convert_file(read(tmp_path, **hyper_parameters()))
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
        expected = heads.in_sync_logits(STATE, *own)
        np.testing.assert_allclose(frames[clip, :num_frames], expected, atol=1e-5)
        assert scores[clip] == pytest.approx(np.log(np.exp(expected).sum()), abs=1e-5)


def test_a_file_without_a_config_is_the_default_network(tmp_path):
    with_config = avh_align_sup.convert_file(read(tmp_path, **hyper_parameters()))
    without = avh_align_sup.convert_file(read(tmp_path))
    assert without.config == with_config.config


def test_avpf_records_its_pooling(tmp_path):
    for agg, pooling in (("logsumexp", "logsumexp"), ("avg", "mean")):
        contents = read(tmp_path, **hyper_parameters(agg=agg))
        assert avh_align_sup.convert_file(contents).config["score"]["pooling"] == pooling
    with pytest.raises(ValueError, match="unknown agg in its config: 'max'"):
        contents = read(tmp_path, **hyper_parameters(agg="max"))
        avh_align_sup.convert_file(contents)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model_type": "linear"}, "model_type = 'linear'; only 'mlp'"),
        ({"input_type": "audio"}, "input_type = 'audio'; only 'both'"),
        ({"apply_l2": False}, "apply_l2 = False; only True"),
        ({"apply_l2": None}, "apply_l2 = False; only True"),  # a config that lacks it
    ],
)
def test_another_network_is_refused(tmp_path, options, message):
    contents = read(tmp_path, **hyper_parameters(**options))
    with pytest.raises(ValueError, match=f"its config has {message}"):
        avh_align_sup.convert_file(contents)


def test_each_of_the_two_heads_is_refused_as_the_other(tmp_path):
    supervised = read(tmp_path, **hyper_parameters())
    with pytest.raises(ValueError, match=r"high logit means fake.*avsync-convert avh_align_sup`"):
        avh_align.convert_file(supervised)
    arguments = set_state(name("argparse Namespace") + b")\x81", plain({"tau": 15}))
    aligned = read(tmp_path, args=arguments)
    with pytest.raises(ValueError, match=r"high logit means in sync.*avsync-convert avh_align`"):
        avh_align_sup.convert_file(aligned)
