"""A killed and resumed training equals an uninterrupted one, bit for bit."""

import json
import shutil
import signal
import time
from pathlib import Path

import jax
import numpy as np
import optax
import pytest

from avsync import checkpoint
from avsync.datasets.base import ClipBuilder
from avsync.train.reporter import MEASURED
from avsync.types import Clip
from tests import feature_dataset
from tests.conftest import Process, Run, Start

# As in test_multihost.py: the number of updates is compiled into the update.
OPTIONS = [
    "--config=configs/quickstart.py:test",
    "--config.train.num_steps=20",
    "--config.train.checkpoint_every=5",
]


def train_arguments(data_dir: Path, workdir: Path) -> list[str]:
    return [*OPTIONS, f"--config.data.data_dir={data_dir}", f"--workdir={workdir}"]


def kill_training(process: Process, *, after: Path) -> None:
    """Kills a training once checkpoint `after` exists."""
    while latest_step(after.parent) < int(after.name):
        assert process.poll() is None, "the training ended before it could be killed"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def latest_step(checkpoints: Path) -> int:
    # An incomplete checkpoint has a longer name.
    return max((int(path.name) for path in checkpoints.glob("*") if path.name.isdigit()), default=0)


def read_metrics(workdir: Path) -> list[dict]:
    """The lines of metrics.jsonl without the speeds."""
    lines = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k not in MEASURED} for line in lines]


@pytest.fixture(scope="module")
def straight(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory, run_binary: Run) -> Path:
    """The workdir of an uninterrupted training on one device."""
    workdir = tmp_path_factory.mktemp("straight") / "run"
    done = run_binary("train", *train_arguments(tiny_data, workdir))
    assert done.returncode == 0, done.stderr
    return workdir


def test_ten_updates_a_kill_and_ten_updates_equal_twenty(
    straight: Path, tiny_data: Path, tmp_path: Path, run_binary: Run, start_binary: Start
):
    killed = tmp_path / "killed"
    arguments = train_arguments(tiny_data, killed)
    kill_training(start_binary("train", *arguments), after=killed / "checkpoints" / "10")
    done = run_binary("train", *arguments)
    assert done.returncode == 0, done.stderr

    params = [checkpoint.load_params(workdir, 20) for workdir in (straight, killed)]
    jax.tree.map(np.testing.assert_array_equal, *params)
    assert read_metrics(straight) == read_metrics(killed)


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Features of noise: the better a head fits the training clips, the worse it validates."""
    data_dir = tmp_path_factory.mktemp("noise")
    generator = np.random.default_rng(0)
    splits = {
        split: [tuple(generator.standard_normal((2, 40, 8), np.float32)) for _ in range(num_clips)]
        for split, num_clips in (("train", 5), ("val", 2))
    }
    feature_dataset.write(data_dir, splits, num_shards=2)
    return data_dir


@pytest.mark.slow
def test_a_resumed_training_lowers_its_rate_and_stops_early_like_an_uninterrupted_one(
    noise: Path, tmp_path: Path, run_binary: Run, start_binary: Start
):
    straight, killed = (
        [
            "--config=configs/avh_align.py:official_test",
            "--config.train.num_epochs=40",
            "--config.train.early_stop_validations=6",
            "--config.data.dataset=features",
            f"--config.data.data_dir={noise}",
            f"--workdir={tmp_path / name}",
        ]
        for name in ("straight", "killed")
    )
    done = run_binary("train", *straight)
    assert done.returncode == 0, done.stderr
    lines = read_metrics(tmp_path / "straight")
    validations = [line for line in lines if line["split"] == "val"]
    # 200 frames are 4 batches of at most 64. Patience is 1: the rate drops at every second of the
    # last six validations, which are worse than the best.
    assert [line["step"] for line in validations] == [4 * (i + 1) for i in range(len(validations))]
    assert min(validations, key=lambda line: line["loss"]) == validations[-7]
    scales = [line["learning_rate_scale"] for line in validations]
    np.testing.assert_allclose(scales[-7:], [1, 1, 0.1, 0.1, 0.01, 0.01, 0.001], rtol=1e-5)
    assert len(validations) < 40

    # Between the first drop of the rate and the end.
    last_step = validations[-1]["step"]
    middle = tmp_path / "killed" / "checkpoints" / str(last_step - 14)
    kill_training(start_binary("train", *killed), after=middle)
    done = run_binary("train", *killed)
    assert done.returncode == 0, done.stderr
    assert "no improvement in 6 validations" in done.stderr
    assert read_metrics(tmp_path / "killed") == lines
    params = [checkpoint.load_params(tmp_path / name, last_step) for name in ("straight", "killed")]
    jax.tree.map(np.testing.assert_array_equal, *params)
    assert checkpoint.best_step(tmp_path / "killed") == validations[-7]["step"]

    # A finished training says so and changes nothing.
    again = run_binary("train", *killed)
    assert again.returncode == 0, again.stderr
    assert f"stopped early after update {last_step}: no improvement in 6" in again.stderr
    assert read_metrics(tmp_path / "killed") == lines


class Builder(ClipBuilder, skip_registration=True):
    """Two clips of one talker, one of them twice."""

    name = "pairs"
    REAL_ONLY_SPLITS = ("train", "val")

    def clips(self):
        return {split: self._clips(split) for split in self.REAL_ONLY_SPLITS}

    def _clips(self, split: str):
        for i, seed in enumerate((0, 1, 0)):
            random = np.random.default_rng(seed)
            yield Clip(
                clip_id=f"{split}{i}",
                frames=random.integers(0, 256, (60, 96, 96, 1), np.uint8),
                waveform=random.integers(-999, 999, 60 * 640).astype(np.int16),
                identity="one",
            )


# tests/input_pipeline/test_mixtures.py resumes the batches of both.
@pytest.mark.parametrize("balance", [pytest.param("clip", marks=pytest.mark.slow), "identity"])
def test_a_killed_training_on_a_mixture_resumes_bit_for_bit(
    tiny_data: Path, tmp_path: Path, run_binary: Run, start_binary: Start, balance: str
):
    shutil.copytree(tiny_data, tmp_path / "data")
    Builder(data_dir=tmp_path / "data").download_and_prepare()
    arguments = [
        "--config.data.mixture={'synthetic_talkers/tiny': 2, 'pairs': 1.0}",
        f"--config.data.balance={balance}",
        "--config.data.gates.duplicates=drop",
    ]
    straight, killed = (
        [*train_arguments(tmp_path / "data", tmp_path / name), *arguments]
        for name in ("straight", "killed")
    )
    done = run_binary("train", *straight)
    assert done.returncode == 0, done.stderr
    process = start_binary("train", *killed)
    kill_training(process, after=tmp_path / "killed" / "checkpoints" / "10")
    done = run_binary("train", *killed)
    assert done.returncode == 0, done.stderr
    workdirs = [tmp_path / name for name in ("straight", "killed")]
    params = [checkpoint.load_params(workdir, 20) for workdir in workdirs]
    jax.tree.map(np.testing.assert_array_equal, *params)
    lines = [read_metrics(workdir) for workdir in workdirs]
    assert lines[0] == lines[1]
    # Each dataset is validated, and the whole by the shares of both.
    for line in lines[0]:
        if line["split"] == "val":
            mean = (2 * line["synthetic_talkers/tiny/loss"] + line["pairs/loss"]) / 3
            assert line["loss"] == pytest.approx(mean)
    # One of the three clips of "pairs" is a duplicate.
    kept = json.loads((workdirs[0] / "environment.json").read_text())["datasets"]
    assert kept["pairs"]["num_clips"] == 2
    assert kept["pairs"]["share"] == pytest.approx(1 / 3)
    assert (workdirs[0] / "gates" / "pairs" / "gates.jsonl").read_text().count("\n") == 1
    assert (workdirs[0] / "gates" / "synthetic_talkers" / "tiny" / "gates.jsonl").is_file()


def test_two_devices_train_to_the_result_of_one(
    straight: Path, tiny_data: Path, tmp_path: Path, run_binary: Run
):
    done = run_binary("train", *train_arguments(tiny_data, tmp_path), devices=2)
    assert done.returncode == 0, done.stderr
    losses, params = [], []
    for workdir in (straight, tmp_path):
        lines = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
        losses.append([line["loss"] for line in lines])
        params.append(checkpoint.load_params(workdir, 20))
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)
    # Adam divides each gradient by its size: where that is nearly zero, a rounding error of a sum
    # becomes up to a learning rate, in few parameters.
    difference = jax.tree.map(lambda a, b: a - b, *params)
    share = float(optax.tree.norm(difference) / optax.tree.norm(params[0]))
    assert share < 2e-3
