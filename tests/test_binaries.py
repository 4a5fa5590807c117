"""Train and evaluate as a user runs them, with right and wrong arguments."""

import json
import shutil
import subprocess
from pathlib import Path

import jax
import numpy as np
import pytest

from avsync import __version__, build, checkpoint, pretrained
from avsync import trained as trained_module
from avsync.config import files
from tests.conftest import Run


def train(run_binary: Run, config: str, data_dir: Path, workdir: Path, *changes: str) -> str:
    """Trains, and returns what the training prints to stdout."""
    done = run_binary(
        "train",
        f"--config={config}",
        f"--config.data.data_dir={data_dir}",
        f"--workdir={workdir}",
        *changes,
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
def baseline(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory, run_binary: Run) -> Path:
    """The workdir of a supervised baseline."""
    workdir = tmp_path_factory.mktemp("runs") / "baseline"
    stdout = train(run_binary, "quickstart:supervised_test", tiny_data, workdir)
    assert "nats per clip" in stdout
    return workdir


@pytest.fixture(scope="module")
def calibrated(trained: Path, tiny_data: Path, run_binary: Run) -> Path:
    """The folder of an evaluation that calibrates one step of `trained`.

    It runs on another number of devices than the training.
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
    kept = trained / "calibration" / "6.json"
    assert f"calibration: {kept} holds the scores" in done.stdout
    assert "of 4 real clips of synthetic_talkers/tiny, val split" in done.stdout
    return out


@pytest.fixture(scope="module")
def evaluated(
    trained: Path, calibrated: Path, baseline: Path, tiny_data: Path, run_binary: Run
) -> subprocess.CompletedProcess[str]:
    done = run_binary(
        "evaluate",
        f"--checkpoint={trained}",
        "--dataset=synthetic_talkers/tiny",
        f"--data_dir={tiny_data}",
        f"--out={trained / 'evaluation'}",
        f"--also=supervised={baseline}",
    )
    assert done.returncode == 0, done.stderr
    return done


def test_a_training_writes_config_environment_metrics_and_checkpoints(trained):
    config = json.loads((trained / "config.json").read_text())
    assert config["data"]["dataset"] == "synthetic_talkers/tiny"
    environment = json.loads((trained / "environment.json").read_text())
    assert environment["packages"]["jax"] == jax.__version__
    assert environment["packages"]["numpy"] == np.__version__
    assert environment["is_modified"] in (False, True) if environment["revision"] else True
    assert len(environment["datasets"]["synthetic_talkers/tiny"]["info_sha256"]) == 64
    lines = [json.loads(line) for line in (trained / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if line["split"] == "val"] == [3, 6]
    assert all(line["loss"] > 0 for line in lines)
    assert "6" in {path.name for path in (trained / "checkpoints").iterdir()}


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
    # Every fake of this dataset begins with silence; no real clip does.
    assert metrics["views"]["original"]["leading_silence"]["auc"] == 1
    assert metrics["views"]["trimmed"]["leading_silence"]["auc"] == pytest.approx(0.5, abs=0.2)
    for name in ("roc.png", "scores.png", "report.html"):
        assert (out / name).stat().st_size > 1000
    assert "leading silence" in evaluated.stdout


def test_calibration_clips_give_p_values_and_the_baseline_gets_a_score(trained, evaluated):
    out = trained / "evaluation"
    lines = [json.loads(line) for line in (out / "scores.jsonl").read_text().splitlines()]
    num_calibration = 4
    for line in lines:
        assert set(line["scores"]) >= {"alignment", "supervised", "leading_silence", "duration"}
        if line["view"] == "trimmed":
            # p-values from n calibration clips are multiples of 1 / (n + 1).
            assert line["p_value"] * (num_calibration + 1) == pytest.approx(
                round(line["p_value"] * (num_calibration + 1))
            )
        else:
            assert line["p_value"] is None
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["calibration"]["num_calibration"] == num_calibration
    assert "supervised" in metrics["differences"]["trimmed"]
    assert metrics["localisation"]["trimmed"]["all"]["num_fake"] > 0


def test_a_calibration_refuses_fakes(trained, tiny_data, run_binary, tmp_path):
    done = run_binary(
        "evaluate",
        f"--checkpoint={trained}",
        "--dataset=synthetic_talkers/tiny",
        f"--data_dir={tiny_data}",
        f"--out={tmp_path / 'out'}",
        "--calibrate",
    )
    assert done.returncode == 1
    assert "calibration needs real clips only" in done.stderr


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


def test_a_calibration_is_never_kept_in_the_installed_package(tiny_data, run_binary, tmp_path):
    before = {p: p.read_bytes() for p in (pretrained.GRID / "calibration").iterdir()}
    done = run_binary(
        "evaluate",
        f"--checkpoint={pretrained.GRID}",
        "--dataset=synthetic_talkers/tiny",
        "--split=val",
        f"--data_dir={tiny_data}",
        f"--out={tmp_path / 'out'}",
        "--calibrate",
    )
    assert done.returncode == 2
    assert "cannot be changed: make a local copy with avsync-export" in done.stderr
    assert {p: p.read_bytes() for p in (pretrained.GRID / "calibration").iterdir()} == before


def test_one_checkpoint_of_a_training_can_be_evaluated(calibrated):
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
    assert "another config (seed: 0 then, 7 now)" in done.stderr
    assert (trained / "metrics.jsonl").read_text() == before


def test_a_workdir_of_avsync_0_1_is_named_as_such(trained, tiny_data, run_binary, tmp_path):
    workdir = tmp_path / "old"
    shutil.copytree(trained, workdir)
    config = json.loads((workdir / "config.json").read_text())
    config["model"]["head"] = {"name": "cosine"}
    (workdir / "config.json").write_text(json.dumps(config))
    arguments = ["--config=quickstart:test", f"--config.data.data_dir={tiny_data}"]
    done = run_binary("train", *arguments, f"--workdir={workdir}")
    assert done.returncode == 2, done.stderr
    assert f"{workdir}/config.json was written by avsync 0.1" in done.stderr


def test_sizes_and_the_head_of_a_model_are_set_on_the_command_line(tiny_data, run_binary, tmp_path):
    workdir = tmp_path / "mlp"
    changes = [
        # The fields before the name that brings them.
        "--config.model.head.projection=8",
        "--config.model.head.widths=(8,4)",
        "--config.model.head.name=fusion_mlp",
        "--config.model.visual.embedding=24",
    ]
    train(run_binary, "quickstart:test", tiny_data, workdir, *changes)
    model = json.loads((workdir / "config.json").read_text())["model"]
    assert model["head"] == {"name": "fusion_mlp", "projection": 8, "widths": [8, 4]}
    assert (model["visual"]["embedding"], model["audio"]["embedding"]) == (24, 16)
    restored = build.make_model(trained_module.read_config(workdir))
    params = checkpoint.load_params(workdir, 6)
    shapes = jax.eval_shape(lambda: build.init_params(restored, build.inputs_like(), seed=0))
    assert jax.tree.map(np.shape, params) == jax.tree.map(np.shape, shapes)


TEST = ["--config=quickstart:test", "--workdir=x"]


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("train", ["--workdir=/tmp/nowhere"], "--config is required"),
        ("train", [], "--config and --workdir are required"),
        ("train", ["--no_such_flag"], "unknown option: --no_such_flag"),
        ("train", [*TEST, "--profle=1"], "unknown option: --profle; did you mean --profile?"),
        ("train", ["--config=configs/none.py", "--workdir=x"], "config not found: configs/none.py"),
        ("train", ["--config=grd", "--workdir=x"], "did you mean 'grid'?"),
        ("train", ["--config=quickstart:tset", "--workdir=x"], "did you mean 'test'?"),
        ("train", [*TEST, "--config.optim.lr=1"], "did you mean config.optim.learning_rate?"),
        ("train", [*TEST, "--config.seed=one"], "config.seed expects an integer"),
        ("train", [*TEST, "--config.data.dataset=grdi"], "did you mean 'grid'"),
        ("train", [*TEST, "--config.train.loss=alignmnt"], "unknown config.train.loss: 'alignmnt'"),
        (
            "train",
            [*TEST, "--config.data.data_dir=/nowhere"],
            "avsync-prepare --dataset=synthetic_talkers",
        ),
        ("evaluate", ["--dataset=grid", "--out=x"], "--checkpoint is required"),
        ("evaluate", ["--checkpoint=x", "--out=x", "--also=y"], "expected NAME=CHECKPOINT"),
        (
            "evaluate",
            ["--checkpoint=/nowhere", "--dataset=grid", "--out=x"],
            "checkpoint not found: /nowhere",
        ),
    ],
)
def test_wrong_usage_ends_with_2_and_one_message(run_binary, name, arguments, message):
    done = run_binary(name, *arguments)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    first, hint = done.stderr.splitlines()
    assert first.startswith(f"{name}.py: ")
    assert hint == f"{name}.py --help shows an example."


@pytest.mark.parametrize("name", ["prepare", "train", "evaluate"])
def test_help_shows_an_example(run_binary, name):
    done = run_binary(name, "--help")
    assert done.returncode == 0
    assert f"avsync-{name} --" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100


def test_help_lists_the_configs_and_says_where_fields_are_described(run_binary):
    done = run_binary("train", "--help")
    for line in files.summary(files.CONFIG).splitlines():
        assert line.partition(" ")[0] in done.stdout
    assert str(files.README) in done.stdout
    assert files.README.is_file()


def test_every_binary_prints_its_version(run_binary):
    done = run_binary("train", "--version")
    assert (done.returncode, done.stdout) == (0, f"avsync {__version__}\n")
