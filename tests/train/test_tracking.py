"""Metrics in a tracker: MLflow for real, with its SQLite store, where it is installed.

The slow test installs it, in an environment that sees the packages of this one:

    bash launch/test.sh -m slow tests/train/test_tracking.py
"""

import json
import os
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

from avsync.train import tracking
from avsync.train.tracking import Tracker
from avsync.train.writer import FILE, MetricsWriter
from tests.conftest import ROOT, environment

# Reads what MLflow has, apart from avsync.
READ = """
import json, sys
from mlflow import MlflowClient
client = MlflowClient()
experiments = [e for e in client.search_experiments() if e.name == "avsync"]
runs = client.search_runs([e.experiment_id for e in experiments])
print(json.dumps([
    {
        "status": run.info.status,
        "name": run.info.run_name,
        "rate": run.data.params["optim.learning_rate"],
        "loss": [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, name)],
    }
    for run in runs for name in ["train/loss"]
]))
"""


def test_a_tracker_that_is_not_installed_is_named_with_the_way_to_install_it():
    with pytest.raises(ValueError, match=r"needs the package no_such: pip install 'avsync\[no_su"):
        tracking.require("no_such")


def test_a_tracker_that_fails_warns_once_and_all_metrics_are_in_the_file(
    tmp_path: Path, monkeypatch, capsys
):
    # Not installed, or installed without a place to write to: it fails in both cases.
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/no/such/folder/mlflow.db")
    tracker = Tracker("mlflow", {"seed": 1})
    with MetricsWriter(tmp_path, first_step=0, tracker=tracker) as writer:
        for step in range(1, 200):
            writer.write(step, split="train", loss=1 / step)
    assert len((tmp_path / FILE).read_text().splitlines()) == 199
    assert capsys.readouterr().out.count("--tracking=mlflow failed: ") == 1


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with MLflow and Weights & Biases and, behind them, the packages of this one."""
    venv = tmp_path_factory.mktemp("tracking") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    paths = sysconfig.get_paths(vars={"base": str(venv), "platbase": str(venv)})
    Path(paths["purelib"], "packages.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [sys.executable, "-m", "pip", "-qq", "--python", venv / "bin" / "python", "install"]
    subprocess.run([*pip, "mlflow-skinny", "wandb"], check=True)
    return venv / "bin" / "python"


def train(python: Path, workdir: Path, data: Path, *options: str, **env: str) -> subprocess.Popen:
    return subprocess.Popen(
        [
            *(python, "-m", "avsync.bin.train", "--config=quickstart:test"),
            *(f"--workdir={workdir}", f"--config.data.data_dir={data}", *options),
        ],
        cwd=ROOT,
        env={**environment(devices=1), "PYTHONPATH": str(ROOT), **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.slow
def test_a_killed_training_continues_its_mlflow_run_which_has_every_update_once(
    python: Path, tiny_data: Path, tmp_path: Path
):
    workdir, uri = tmp_path / "run", f"sqlite:///{tmp_path}/mlflow.db"

    metrics = workdir / FILE
    steps = ("--config.train.num_steps=2000", "--config.train.checkpoint_every=10")

    def start_until(num_lines: int) -> subprocess.Popen:
        """A training, with `num_lines` of metrics on the disk, that is still running."""
        options = (python, workdir, tiny_data, "--tracking=mlflow", *steps)
        process = train(*options, MLFLOW_TRACKING_URI=uri)
        while not metrics.exists() or len(metrics.read_text().splitlines()) < num_lines:
            assert process.poll() is None, process.communicate()[0]
            time.sleep(0.01)
        return process

    def preempt(process: subprocess.Popen) -> None:
        process.send_signal(signal.SIGTERM)
        text, _ = process.communicate()
        assert process.returncode == 75 and "--tracking" not in text, text

    preempt(start_until(25))
    # MLflow takes seconds to be imported: not all of the updates before a kill have been sent.
    killed = start_until(len(metrics.read_text().splitlines()) + 30)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    preempt(start_until(len(metrics.read_text().splitlines()) + 100))
    done = subprocess.run(
        [python, "-c", READ],
        env={**os.environ, "MLFLOW_TRACKING_URI": uri},
        capture_output=True,
        text=True,
        check=True,
    )
    (run,) = json.loads(done.stdout)
    assert (run["status"], run["name"], run["rate"]) == ("KILLED", "run", "0.002")
    lines = map(json.loads, metrics.read_text().splitlines())
    losses = [[line["step"], line["loss"]] for line in lines if line["split"] == "train"]
    assert [step for step, _ in losses] == list(range(1, len(losses) + 1))
    assert sorted(run["loss"]) == losses


@pytest.mark.slow
def test_weights_and_biases_gets_the_metrics_offline(python: Path, tiny_data: Path, tmp_path: Path):
    workdir = tmp_path / "run"
    options = (python, workdir, tiny_data, "--tracking=wandb")
    process = train(*options, WANDB_MODE="offline")
    text, _ = process.communicate()
    assert process.returncode == 0 and "--tracking" not in text, text
    run_id = json.loads((workdir / tracking.FILE).read_text())["wandb"]
    (file,) = workdir.glob(f"wandb/offline-run-*-{run_id}/run-{run_id}.wandb")
    assert b"train/loss" in file.read_bytes()
