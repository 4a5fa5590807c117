"""Two processes give the result of one: the same updates, one checkpoint, one report."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
import pytest

from avsync import checkpoint
from avsync.datasets.base import open_source
from avsync.types import Source
from tests import feature_dataset
from tests.conftest import ROOT, Run, Start

# As in test_resume.py: it is compiled into the update.
NUM_STEPS = 20

StartTwo = Callable[..., subprocess.Popen[str]]


@pytest.fixture(scope="module")
def start_two() -> StartTwo:
    """`start_two("train", "--config=…")`: two processes of a binary, started by launch/local.sh."""

    def start(name: str, *arguments: str) -> subprocess.Popen[str]:
        with socket.socket() as free:
            free.bind(("localhost", 0))
            port = free.getsockname()[1]
        return subprocess.Popen(
            ["bash", "launch/local.sh", sys.executable, "-m", f"avsync.bin.{name}", *arguments],
            cwd=ROOT,
            env={**os.environ, "PROCESSES": "2", "PORT": str(port)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.fixture(scope="module")
def alone(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory, run_binary: Run) -> Path:
    """The workdir of a training in one process with two devices."""
    workdir = tmp_path_factory.mktemp("alone") / "run"
    done = run_binary("train", *training(tiny_data, workdir), devices=2)
    assert done.returncode == 0, done.stderr
    return workdir


def training(data_dir: Path, workdir: Path) -> list[str]:
    return [
        "--config=configs/quickstart.py:test",
        f"--config.train.num_steps={NUM_STEPS}",
        "--config.train.checkpoint_every=10",
        f"--config.data.data_dir={data_dir}",
        f"--workdir={workdir}",
    ]


def finish(process: subprocess.Popen[str]) -> str:
    """Waits for success; returns stdout."""
    stdout, stderr = process.communicate(timeout=600)
    assert process.returncode == 0, stderr
    return stdout


def losses(workdir: Path) -> dict[tuple[int, str], float]:
    lines = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    assert len(lines) == NUM_STEPS + 2
    return {(line["step"], line["split"]): line["loss"] for line in lines}


def test_two_processes_resume_a_preempted_training_of_one_process(
    alone: Path, tiny_data: Path, tmp_path: Path, start_two: StartTwo, start_binary: Start
):
    workdir = tmp_path / "run"
    arguments = training(tiny_data, workdir)
    process = start_binary("train", *arguments, devices=2)
    while not (workdir / "metrics.jsonl").is_file():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=600)
    assert process.returncode == 75, stderr
    (saved,) = [int(path.name) for path in (workdir / "checkpoints").iterdir()]
    assert f"preempted: saved after update {saved} of {NUM_STEPS}" in stderr
    assert 0 < saved < NUM_STEPS

    stdout = finish(start_two("train", *training(tiny_data, workdir)))
    assert stdout.count("done:") == 1
    expected, found = losses(alone), losses(workdir)
    assert found.keys() == expected.keys()
    np.testing.assert_allclose([found[key] for key in expected], list(expected.values()), rtol=1e-5)
    params = [checkpoint.load_params(path, NUM_STEPS) for path in (alone, workdir)]
    # As for two devices: where a gradient is nearly zero, Adam amplifies rounding errors of sums.
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-4), *params)
    assert json.loads((workdir / "environment.json").read_text())["num_processes"] == 2


@pytest.mark.slow
def test_two_processes_write_the_same_evaluation_as_one(
    alone: Path, tiny_data: Path, tmp_path: Path, start_two: StartTwo, run_binary: Run
):
    arguments = [f"--checkpoint={alone}", "--dataset=synthetic_talkers/tiny", "--batch_size=3"]
    arguments += [f"--data_dir={tiny_data}"]
    together = start_two("evaluate", *arguments, f"--out={tmp_path / 'two'}")
    assert finish(together).count("report:") == 1
    done = run_binary("evaluate", *arguments, f"--out={tmp_path / 'one'}")
    assert done.returncode == 0, done.stderr
    for file in ("scores.jsonl", "frames.jsonl", "metrics.json"):
        assert (tmp_path / "two" / file).read_bytes() == (tmp_path / "one" / file).read_bytes()


@pytest.mark.slow
@pytest.mark.grid
def test_two_processes_score_files_into_one_folder(
    testdata: Path, tmp_path: Path, start_two: StartTwo, run_binary: Run
):
    clips = sorted((testdata / "grid_s1" / "video").glob("*.mkv"))[:5]
    options = ["--pictures=flagged", "--frames", "--false_alarm_rate=0.5", *map(str, clips)]
    together = start_two("score", *options, f"--out={tmp_path / 'two'}")
    assert finish(together).count("details:") == 1
    done = run_binary("score", *options, f"--out={tmp_path / 'one'}")
    assert done.returncode == 0, done.stderr
    one, two = (sorted_contents(tmp_path / name) for name in ("one", "two"))
    assert one == two
    assert any(name.endswith(".png") for name in one)


def sorted_contents(folder: Path) -> dict[str, list[bytes]]:
    """The lines of each file; those of several processes come in any order."""
    return {path.name: sorted(path.read_bytes().splitlines()) for path in folder.iterdir()}


@pytest.mark.slow
def test_two_processes_extract_into_one_dataset(tmp_path: Path, start_two: StartTwo):
    generator = np.random.default_rng(0)
    splits = {
        name: [tuple(generator.standard_normal((2, 20, 8), np.float32)) for _ in range(num_clips)]
        for name, num_clips in (("train", 5), ("val", 2))
    }
    feature_dataset.write(tmp_path / "in", splits)
    together = start_two(
        "extract",
        "--dataset=features",
        "--trim=leading",
        f"--data_dir={tmp_path / 'in'}",
        "--out_name=again",
        "--dtype=float32",
    )
    assert finish(together).count("extracted:") == 1
    for name, clips in splits.items():
        again = open_source("again", name, data_dir=tmp_path / "in", trim="leading")
        assert again.num_clips == len(clips)
        before = open_source("features", name, data_dir=tmp_path / "in", trim="leading")
        assert read_records(again) == read_records(before)


def read_records(source: Source) -> list[bytes]:
    files = sorted(source.directory.glob(f"*-{source.split}.tfrecord-*"))
    return [path.read_bytes() for path in files]
