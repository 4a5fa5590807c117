"""launch/slurm.sbatch on a one-node Slurm: a training, an extraction and a preparation."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ROOT, Run

NODE = Path(__file__).with_name("one_node_slurm.sh")

NUM_STEPS = 40

Submit = Callable[..., str]


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment in which sbatch and scancel use a Slurm on this machine."""
    if shutil.which("slurmctld") is None or os.geteuid():
        pytest.skip("needs root, and apt-get install slurmctld slurmd slurm-client munge")
    directory = tmp_path_factory.mktemp("slurm")
    subprocess.run(["bash", NODE, "start", directory], check=True)
    # As in an activated environment.
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    yield {**os.environ, "SLURM_CONF": str(directory / "slurm.conf"), "PATH": path}
    subprocess.run(["bash", NODE, "stop", directory], check=True)


@pytest.fixture
def submit(slurm: dict[str, str], tmp_path: Path) -> Submit:
    """`submit("avsync-train", …)`: the id of a job of two tasks; it writes `tmp_path`/job.log."""

    def run(*command: object) -> str:
        scheduling = ["--ntasks-per-node=2", "--gpus-per-node=0", "--cpus-per-task=1"]
        scheduling.append(f"--output={tmp_path / 'job.log'}")
        submitted = subprocess.run(
            ["sbatch", "--parsable", *scheduling, "launch/slurm.sbatch", *map(str, command)],
            cwd=ROOT,
            env=slurm,
            check=True,
            capture_output=True,
            text=True,
        )
        return submitted.stdout.strip()

    return run


@pytest.mark.slow
def test_a_preempted_training_is_requeued_and_ends_like_an_uninterrupted_one(
    slurm: dict[str, str], submit: Submit, tiny_data: Path, tmp_path: Path, run_binary: Run
):
    options = ["--config=configs/quickstart.py:test", f"--config.data.data_dir={tiny_data}"]
    options += [f"--config.train.num_steps={NUM_STEPS}", "--config.train.checkpoint_every=20"]
    uninterrupted, workdir, log = tmp_path / "uninterrupted", tmp_path / "run", tmp_path / "job.log"
    done = run_binary("train", f"--workdir={uninterrupted}", *options, devices=2)
    assert done.returncode == 0, done.stderr

    job = submit("avsync-train", f"--workdir={workdir}", *options)
    wait_until(lambda: len(read_losses(workdir)) >= 3, log)
    subprocess.run(["scancel", "--signal=TERM", job], env=slurm, check=True)
    wait_until(lambda: state_of(job, slurm) == ("COMPLETED", 1), log)

    print(log.read_text())
    assert "requeued" in log.read_text()
    expected, losses = read_losses(uninterrupted), read_losses(workdir)
    assert losses.keys() == expected.keys()
    np.testing.assert_allclose([losses[key] for key in expected], [*expected.values()], rtol=1e-5)
    about = json.loads((workdir / "environment.json").read_text())
    assert about["num_processes"] == 2


@pytest.mark.slow
def test_two_tasks_extract_the_features_that_one_process_extracts(
    slurm: dict[str, str],
    submit: Submit,
    tiny_data: Path,
    testdata: Path,
    tmp_path: Path,
    run_binary: Run,
):
    weights, log = tmp_path / "avhubert", tmp_path / "job.log"
    source = testdata / "avhubert_tiny" / "ckpt.pt"
    done = run_binary("convert", "avhubert", f"--source={source}", f"--out={weights}")
    assert done.returncode == 0, done.stderr
    # A feature dataset is written beside the clips, and others read those.
    data_dir = shutil.copytree(tiny_data, tmp_path / "data")
    options = ["--encoder=avhubert", f"--weights={weights}", "--dataset=synthetic_talkers/tiny"]
    options += [f"--data_dir={data_dir}"]
    done = run_binary("extract", *options, "--out_name=one")
    assert done.returncode == 0, done.stderr

    job = submit("avsync-extract", *options, "--out_name=two")
    wait_until(lambda: state_of(job, slurm)[0] not in RUNNING, log)

    print(log.read_text())
    assert state_of(job, slurm) == ("COMPLETED", 0), log.read_text()
    assert log.read_text().count("extracted:") == 1
    one, two = (records(data_dir / name) for name in ("one", "two"))
    assert one == two
    assert len(one) > 1  # shards: each task has extracted some


@pytest.mark.slow
def test_a_command_of_one_process_runs_once_in_a_job_of_two_tasks(
    slurm: dict[str, str], submit: Submit, tiny_data: Path, tmp_path: Path
):
    place, log = f"--data_dir={tmp_path / 'data'}", tmp_path / "job.log"
    job = submit("avsync", "prepare", "--dataset=synthetic_talkers/tiny", place)
    wait_until(lambda: state_of(job, slurm)[0] not in RUNNING, log)

    assert state_of(job, slurm) == ("COMPLETED", 0), log.read_text()
    assert "1: " not in log.read_text()  # no line is labelled as one of the second task
    # The fields of a record may be in another order.
    prepared, expected = (records(folder) for folder in (tmp_path / "data", tiny_data))
    assert {name: len(data) for name, data in prepared.items()} == {
        name: len(data) for name, data in expected.items()
    }


RUNNING = ("PENDING", "CONFIGURING", "RUNNING", "COMPLETING")


def records(folder: Path) -> dict[str, bytes]:
    """The record files below `folder`, by the part of their name that follows the dataset's."""
    files = folder.rglob("*.tfrecord-?????-of-?????")
    return {path.name.partition("-")[2]: path.read_bytes() for path in files}


def read_losses(workdir: Path) -> dict[tuple[int, str], float]:
    path = workdir / "metrics.jsonl"
    lines = path.read_text().splitlines() if path.is_file() else []
    return {(line["step"], line["split"]): line["loss"] for line in map(json.loads, lines)}


def state_of(job: str, slurm: dict[str, str]) -> tuple[str, int]:
    """The state of a job and how often it was requeued."""
    shown = subprocess.run(
        ["scontrol", "show", "job", job], env=slurm, check=True, capture_output=True, text=True
    )
    fields = dict(text.split("=", 1) for text in shown.stdout.split() if "=" in text)
    return fields["JobState"], int(fields["Restarts"])


def wait_until(condition: Callable[[], bool], log: Path, *, seconds: float = 1800) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.2)
