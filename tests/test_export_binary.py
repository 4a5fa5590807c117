"""avsync-export as a user runs it, and the exported folder without avsync."""

import json
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from avsync import build, checkpoint, scoring
from tests.conftest import Run
from tests.exporting.test_load_scorer import WITHOUT_AVSYNC
from tests.exporting.test_program import random_batch
from tests.small_models import random_params, small_config


@pytest.fixture(scope="module")
def workdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of a model of clips, with the scores of 19 calibration clips."""
    workdir = tmp_path_factory.mktemp("runs") / "clips"
    config = small_config("lip_conv")
    checkpoint.write_config(workdir, json.loads(config.to_json()))
    checkpoint.write_params(workdir, random_params(config, None))
    rules = {"frame": config.score.frame, "pooling": config.score.pooling, "trim": "leading"}
    scores = {"dataset": "grid", "split": "val", "scores": list(range(19)), **rules}
    checkpoint.write_calibration(workdir, 0, scores)
    return workdir


@pytest.fixture(scope="module")
def exported(workdir, tmp_path_factory: pytest.TempPathFactory, run_binary: Run) -> Path:
    folder = tmp_path_factory.mktemp("exports") / "scorer"
    done = run_binary("export", f"--checkpoint={workdir}", f"--out={folder}")
    assert done.returncode == 0, done.stderr
    assert f"exported: {folder}, for cpu, cuda, tpu" in done.stdout
    return folder


def test_the_folder_is_complete_and_has_no_temporary_files(exported):
    assert {path.name for path in exported.iterdir()} == {
        "scorer.jaxexport",
        "manifest.json",
        "load_scorer.py",
        "config.json",
        "model.safetensors",
        "calibration",
        "README.md",
        "LICENSE.md",
    }
    assert list(exported.parent.iterdir()) == [exported]


def test_the_loader_scores_a_clip_without_avsync(workdir, exported, tmp_path):
    visual, audio, valid = random_batch("lip_conv", 1, 20)
    audio[0, :5] = 0  # so that frame 0 is trimmed
    np.save(tmp_path / "crops.npy", visual[0])
    np.save(tmp_path / "sound.npy", audio[0])
    files = [exported / "load_scorer.py", tmp_path / "crops.npy", tmp_path / "sound.npy"]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_AVSYNC, *map(str, files)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)

    visual, audio, valid = visual[:, 1:, 4:92, 4:92], audio[:, 640:], jnp.asarray(valid[:, 1:])
    scorer = build.load_scorer(workdir, 0, extraction=None)
    logits = jax.jit(scorer.apply)(scorer.params, visual, audio, valid)
    frames = scoring.frame_scores(logits, name=scorer.frame_score)
    np.testing.assert_allclose(found["frame_scores"], frames[0], atol=1e-5)
    score = scoring.clip_score(frames, valid, pooling=scorer.pooling)
    assert found["clip_score"] == pytest.approx(float(score[0]), abs=1e-5)
    assert found["offset_frames"] == int(scoring.clip_offset(logits, valid)[0])


def test_the_folder_can_be_evaluated_as_a_checkpoint(exported, tiny_data, run_binary, tmp_path):
    done = run_binary(
        "evaluate",
        f"--checkpoint={exported}",
        "--dataset=synthetic_talkers/tiny",
        "--split=val",
        f"--data_dir={tiny_data}",
        f"--out={tmp_path}",
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in (tmp_path / "scores.jsonl").read_text().splitlines()]
    p_values = [line["p_value"] for line in lines if line["view"] == "trimmed"]
    assert p_values and all(0 < p <= 1 for p in p_values)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--checkpoint=x"], "--out"),
        (["--checkpoint=/nowhere", "--out=/tmp/nothing/there"], "checkpoint not found: /nowhere"),
        (
            ["--checkpoint=/nowhere", f"--out={Path(__file__).parent}"],
            "already exists and is not empty",
        ),
        (["--checkpoint=x", "--out=y", "--weights_dtype=float8"], "weights_dtype"),
        (["--checkpoint=hf://lips", "--out=y"], "expected hf://OWNER/NAME"),
    ],
)
def test_wrong_usage_ends_with_2_and_a_message(run_binary, arguments, message):
    done = run_binary("export", *arguments)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_help_shows_an_example(run_binary):
    done = run_binary("export", "--help")
    assert done.returncode == 0
    assert "avsync-export --checkpoint=" in done.stdout
