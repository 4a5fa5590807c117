"""avsync-train on raw clips with a converted AV-HuBERT, as a user runs it."""

import json
from pathlib import Path

import numpy as np
import pytest

from avsync import checkpoint
from avsync.config import default, with_changes
from avsync.convert import avhubert, torch_file
from avsync.partition import named
from tests.conftest import Run


@pytest.fixture
def weights(testdata: Path, tmp_path: Path) -> Path:
    """A converted AV-HuBERT of two blocks."""
    contents = torch_file.read(testdata / "avhubert_tiny" / "ckpt.pt")
    params, changes = avhubert.convert_file(contents)
    config = with_changes(default(), changes)
    checkpoint.write_config(tmp_path / "avhubert", json.loads(config.to_json()))
    checkpoint.write_params(tmp_path / "avhubert", params)
    return tmp_path / "avhubert"


def test_the_last_block_and_the_head_are_trained_and_the_rest_of_the_encoder_is_kept(
    tiny_data: Path, weights: Path, tmp_path: Path, run_binary: Run
):
    workdir = tmp_path / "finetune"
    done = run_binary(
        "train",
        "--config=configs/avh_align.py:finetune_test",
        f"--config.data.data_dir={tiny_data}",
        f"--workdir={workdir}",
        f"--weights={weights}",
        "--config.optim.learning_rate=1e-3",
    )
    assert done.returncode == 0, done.stderr
    config = json.loads((workdir / "config.json").read_text())
    assert config["train"]["init_from"] == f"encoder={weights}"

    before, step = checkpoint.load_params(weights, 0), checkpoint.best_step(workdir)
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

    counts = json.loads((workdir / "environment.json").read_text())["num_parameters"]
    trained = sum(
        np.size(x[1] if "blocks" in name else x)
        for name, x in after.items()
        if name.startswith(("transformer.blocks.", "transformer.final_norm."))
    )
    assert counts["trained"] == trained + counts["head"]
    assert f"{counts['trained']:,} of them trained" in done.stderr
