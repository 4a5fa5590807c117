"""Train and evaluate as a user runs them, with right and wrong arguments."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Run


def train(run_binary: Run, config: str, data_dir: Path, workdir: Path) -> str:
    """What a training says at its end."""
    done = run_binary(
        "train",
        f"--config={config}",
        f"--config.data.data_dir={data_dir}",
        f"--workdir={workdir}",
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def trained(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory, run_binary: Run) -> Path:
    """The workdir of a training of a few updates."""
    workdir = tmp_path_factory.mktemp("runs") / "trained"
    train(run_binary, "configs/quickstart.py:test", tiny_data, workdir)
    return workdir


@pytest.fixture(scope="module")
def twin(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory, run_binary: Run) -> Path:
    """The workdir of a training by labels."""
    workdir = tmp_path_factory.mktemp("runs") / "twin"
    said = train(run_binary, "configs/quickstart.py:supervised_test", tiny_data, workdir)
    assert "nats a clip" in said
    return workdir


@pytest.fixture(scope="module")
def calibrated(trained: Path, tiny_data: Path, run_binary: Run) -> Path:
    """`trained` with a calibration; the folder of that evaluation.

    It is of a step of the training, and of another number of devices than it was trained with.
    """
    out = trained / "validation"
    done = run_binary(
        "evaluate",
        f"--checkpoint={trained / 'checkpoints' / '6'}",
        "--dataset=synthetic_talkers/tiny",
        "--split=val",
        "--calibrate",
        f"--data_dir={tiny_data}",
        f"--out={out}",
        devices=2,
    )
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def evaluated(
    trained: Path, calibrated: Path, twin: Path, tiny_data: Path, run_binary: Run
) -> subprocess.CompletedProcess[str]:
    done = run_binary(
        "evaluate",
        f"--checkpoint={trained}",
        "--dataset=synthetic_talkers/tiny",
        f"--data_dir={tiny_data}",
        f"--out={trained / 'evaluation'}",
        f"--also=twin={twin}",
    )
    assert done.returncode == 0, done.stderr
    return done


def test_training_leaves_what_evaluation_and_readers_need(trained):
    config = json.loads((trained / "config.json").read_text())
    assert config["data"]["dataset"] == "synthetic_talkers/tiny"
    environment = json.loads((trained / "environment.json").read_text())
    assert environment["packages"]["jax"]
    lines = [json.loads(line) for line in (trained / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if line["split"] == "val"] == [3, 6]
    assert all(line["loss"] > 0 for line in lines)
    kept = {path.name for path in (trained / "checkpoints").iterdir()}
    assert "6" in kept


def test_evaluation_scores_each_clip_in_both_views(trained, evaluated):
    out = trained / "evaluation"
    lines = [json.loads(line) for line in (out / "scores.jsonl").read_text().splitlines()]
    views = [
        {line["clip_id"] for line in lines if line["view"] == v} for v in ("original", "trimmed")
    ]
    assert views[0] == views[1]
    assert len(lines) == 2 * len(views[0])
    metrics = json.loads((out / "metrics.json").read_text())
    for view in ("original", "trimmed"):
        for score in ("alignment", "leading_silence"):
            result = metrics["views"][view][score]
            assert 0 <= result["auc_low"] <= result["auc"] <= result["auc_high"] <= 1
    # Every fake of this dataset begins with silence, and no real clip does.
    assert metrics["views"]["original"]["leading_silence"]["auc"] == 1
    assert metrics["views"]["trimmed"]["leading_silence"]["auc"] == pytest.approx(0.5, abs=0.2)
    for name in ("roc.png", "scores.png", "report.html"):
        assert (out / name).stat().st_size > 1000
    assert "leading silence" in evaluated.stdout


def test_kept_reals_give_p_values_and_a_twin_taught_by_labels_is_scored_beside(trained, evaluated):
    out = trained / "evaluation"
    lines = [json.loads(line) for line in (out / "scores.jsonl").read_text().splitlines()]
    num_reals = 4
    for line in lines:
        assert set(line["scores"]) >= {"alignment", "twin", "leading_silence", "duration"}
        if line["view"] == "trimmed":
            # A multiple of 1 / (n + 1), as p-values from n reals are.
            assert line["p_value"] * (num_reals + 1) == pytest.approx(
                round(line["p_value"] * (num_reals + 1))
            )
        else:
            assert line["p_value"] is None
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["calibration"]["num_calibration"] == num_reals
    assert "twin" in metrics["differences"]["trimmed"]
    assert metrics["localisation"]["trimmed"]["all"]["num_fake"] > 0


def test_a_calibration_takes_real_clips_alone(trained, tiny_data, run_binary, tmp_path):
    done = run_binary(
        "evaluate",
        f"--checkpoint={trained}",
        "--dataset=synthetic_talkers/tiny",
        f"--data_dir={tiny_data}",
        f"--out={tmp_path / 'out'}",
        "--calibrate",
    )
    assert done.returncode == 1
    assert "calibration takes real clips alone" in done.stderr


def test_an_unknown_pooling_is_wrong_usage(trained, tiny_data, run_binary, tmp_path):
    done = run_binary(
        "evaluate",
        f"--checkpoint={trained}",
        "--dataset=synthetic_talkers/tiny",
        f"--data_dir={tiny_data}",
        f"--out={tmp_path}",
        "--pooling=logmeanxp",
    )
    assert done.returncode == 2
    assert "did you mean 'logmeanexp'" in done.stderr


def test_a_step_of_a_training_can_be_evaluated(calibrated):
    metrics = json.loads((calibrated / "metrics.json").read_text())
    assert metrics["split"] == "val"
    assert metrics["views"]["trimmed"]["alignment"]["num_real"] == 4


def test_another_config_on_the_same_workdir_is_refused_and_nothing_is_lost(
    trained, tiny_data, run_binary
):
    before = (trained / "metrics.jsonl").read_text()
    done = run_binary(
        "train",
        "--config=configs/quickstart.py:test",
        "--config.seed=7",
        f"--config.data.data_dir={tiny_data}",
        f"--workdir={trained}",
    )
    assert done.returncode == 1
    assert "begun with another config (seed: 0 then, 7 now)" in done.stderr
    assert (trained / "metrics.jsonl").read_text() == before


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("train", ["--workdir=/tmp/nowhere"], "--config"),
        ("train", ["--no_such_flag"], "no_such_flag"),
        ("train", ["--config=configs/none.py", "--workdir=x"], "configs/none.py"),
        (
            "train",
            ["--config=configs/quickstart.py:test", "--workdir=x", "--config.optim.learning_rte=1"],
            'Did you mean "learning_rate"',
        ),
        ("train", ["--config=configs/quickstart.py:tset", "--workdir=x"], "only ('test'"),
        (
            "train",
            ["--config=configs/quickstart.py", "--workdir=x", "--config.data.dataset=grdi"],
            "did you mean 'grid'",
        ),
        (
            "train",
            ["--config=configs/quickstart.py", "--workdir=x", "--config.data.data_dir=/nowhere"],
            "avsync-prepare --dataset=synthetic_talkers",
        ),
        ("evaluate", ["--dataset=grid", "--out=x"], "--checkpoint"),
        (
            "evaluate",
            ["--checkpoint=/nowhere", "--dataset=grid", "--out=x"],
            "/nowhere is no checkpoint",
        ),
    ],
)
def test_wrong_usage_ends_with_2_and_one_message(run_binary, name, arguments, message):
    done = run_binary(name, *arguments)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["prepare", "train", "evaluate"])
def test_help_shows_an_example(run_binary, name):
    done = run_binary(name, "--help")
    assert done.returncode == 0
    assert f"avsync-{name} --" in done.stdout
