"""A training that is killed goes on as if nothing had happened, bit for bit."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np

from avsync import checkpoint
from tests.conftest import ROOT, Run

OPTIONS = [
    "--config=configs/quickstart.py:test",
    "--config.train.num_steps=20",
    "--config.train.checkpoint_every=5",
]


def train_arguments(data_dir: Path, workdir: Path) -> list[str]:
    return [*OPTIONS, f"--config.data.data_dir={data_dir}", f"--workdir={workdir}"]


def test_ten_steps_and_kill_and_ten_equal_twenty(
    tiny_data: Path, tmp_path: Path, run_binary: Run, binary_environment: dict[str, str]
):
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    done = run_binary("train", *train_arguments(tiny_data, straight))
    assert done.returncode == 0, done.stderr
    process = subprocess.Popen(
        [sys.executable, "-m", "avsync.bin.train", *train_arguments(tiny_data, killed)],
        cwd=ROOT,
        env=binary_environment,
        stderr=subprocess.DEVNULL,
    )
    # Killed in the middle of things, once ten updates are on disk.
    while not (killed / "checkpoints" / "10" / "commit_success.txt").exists():
        assert process.poll() is None, "the training ended before it could be killed"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = run_binary("train", *train_arguments(tiny_data, killed))
    assert done.returncode == 0, done.stderr

    params = [checkpoint.load_params(workdir, 20) for workdir in (straight, killed)]
    jax.tree.map(np.testing.assert_array_equal, *params)
    losses = []
    for workdir in (straight, killed):
        lines = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
        losses.append([(line["step"], line["split"], line["loss"]) for line in lines])
    assert losses[0] == losses[1]


def test_two_devices_train_to_what_one_does(tiny_data: Path, tmp_path: Path, run_binary: Run):
    losses, params = [], []
    for devices in (1, 2):
        workdir = tmp_path / str(devices)
        done = run_binary(
            "train",
            "--config=configs/quickstart.py:test",
            f"--config.data.data_dir={tiny_data}",
            f"--workdir={workdir}",
            devices=devices,
        )
        assert done.returncode == 0, done.stderr
        lines = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
        losses.append([line["loss"] for line in lines])
        params.append(checkpoint.load_params(workdir, 6))
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)
    # Adam divides each gradient by its size: where that is nearly zero, what the order of a sum
    # rounds away becomes a part of the learning rate, 2e-3.
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-4), *params)
