"""avsync-train on raw clips with a converted AV-HuBERT, as a user runs it."""

import json
from pathlib import Path

import numpy as np
import pytest

from avsync import checkpoint
from avsync.partition import named
from tests.conftest import Run


@pytest.fixture(scope="module")
def weights(testdata: Path, tmp_path_factory: pytest.TempPathFactory, run_binary: Run) -> Path:
    """A converted AV-HuBERT of two blocks."""
    out = tmp_path_factory.mktemp("weights") / "avhubert"
    source = testdata / "avhubert_tiny" / "ckpt.pt"
    done = run_binary("convert", "avhubert", f"--source={source}", f"--out={out}")
    assert done.returncode == 0, done.stderr
    return out


def train(run_binary: Run, *arguments: str):
    return run_binary("train", "--config=configs/avh_align.py:finetune_test", *arguments)


def test_the_last_block_and_the_head_are_trained_and_the_rest_of_the_encoder_is_kept(
    tiny_data: Path, weights: Path, tmp_path: Path, run_binary: Run
):
    data = f"--config.data.data_dir={tiny_data}"
    done = train(
        run_binary,
        data,
        f"--workdir={tmp_path}",
        f"--weights={weights}",
        "--config.optim.learning_rate=1e-3",
    )
    assert done.returncode == 0, done.stderr
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["train"]["init_from"] == f"encoder={weights}"

    before, (workdir, step) = checkpoint.load_params(weights, 0), checkpoint.find(tmp_path)
    after = dict(named(checkpoint.load_params(workdir, step)["encoder"]))
    assert after.keys() == dict(named(before)).keys()
    is_same = {name: x == after[name] for name, x in named(before)}
    for name, same in is_same.items():
        if name.startswith("transformer.blocks."):
            assert same[0].all(), name
        elif name.startswith("transformer.final_norm."):
            assert not same.all()
        else:
            assert same.all(), name
    assert not is_same["transformer.blocks.expand.kernel"][1].any()

    counts = json.loads((tmp_path / "environment.json").read_text())["num_parameters"]
    trained = sum(
        np.size(x[1] if "blocks" in name else x)
        for name, x in after.items()
        if name.startswith(("transformer.blocks.", "transformer.final_norm."))
    )
    assert counts["trained"] == trained + counts["head"]
    assert f"{counts['trained']:,} of them trained" in done.stderr


def test_a_frozen_encoder_without_weights_is_wrong_usage(
    tiny_data: Path, tmp_path: Path, run_binary: Run
):
    done = train(run_binary, f"--config.data.data_dir={tiny_data}", f"--workdir={tmp_path}/new")
    assert done.returncode == 2
    assert "encoder as they are, but these would be random" in done.stderr
    assert not (tmp_path / "new").exists()
