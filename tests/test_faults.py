"""Faults of a training: checkpoints survive, and messages say what to do."""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np
import pytest

from avsync import checkpoint
from tests import feature_dataset
from tests.conftest import ROOT, Process, Run, Start, environment

NUM_KILLS = 20
NUM_STEPS = 60


@pytest.fixture(scope="module")
def arguments(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A short training of a small head that saves after every update."""
    data_dir = tmp_path_factory.mktemp("features")
    generator = np.random.default_rng(0)
    splits = {
        split: [tuple(generator.standard_normal((2, 40, 8), np.float32)) for _ in range(num_clips)]
        for split, num_clips in (("train", 5), ("val", 2))
    }
    feature_dataset.write(data_dir, splits, num_shards=2)
    return [
        "--config=configs/avh_align.py:test",
        "--config.data.dataset=features",
        f"--config.data.data_dir={data_dir}",
        "--config.train.num_epochs=0",
        f"--config.train.num_steps={NUM_STEPS}",
        "--config.train.checkpoint_every=1",
    ]


def steps_saved(workdir: Path) -> list[int]:
    # One that is being written has a longer name.
    folder = workdir / "checkpoints"
    return sorted(int(path.name) for path in folder.glob("*") if path.name.isdigit())


def wait_for_step(workdir: Path, step: int, *, of: Process) -> None:
    while not (saved := steps_saved(workdir)) or saved[-1] < step:
        assert of.poll() is None, "the training ended by itself"
        time.sleep(0.005)


@pytest.mark.slow
def test_twenty_kills_at_random_moments_change_nothing(
    arguments, run_binary: Run, start_binary: Start, tmp_path
):
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    assert run_binary("train", *arguments, f"--workdir={straight}").returncode == 0
    moments = np.random.default_rng(0).uniform(0, 0.25, NUM_KILLS)
    for moment in moments:
        process = start_binary("train", *arguments, f"--workdir={killed}")
        before = max(steps_saved(killed), default=0)
        wait_for_step(killed, before + 1, of=process)
        # Saving takes most of the time of an update, so most kills hit a checkpoint.
        time.sleep(moment)
        process.kill()
        process.communicate()
        # The latest and the best are readable; another one may have been half removed.
        latest = max(steps_saved(killed))
        assert latest > before
        for step in {latest, checkpoint.best_step(killed)}:
            checkpoint.load_params(killed, step)
    assert max(steps_saved(killed)) < NUM_STEPS, "the training ended before the last kill"
    done = run_binary("train", *arguments, f"--workdir={killed}")
    assert done.returncode == 0, done.stderr
    params = [checkpoint.load_params(workdir, NUM_STEPS) for workdir in (straight, killed)]
    jax.tree.map(np.testing.assert_array_equal, *params)
    losses = [
        [
            (line["step"], line["loss"])
            for line in map(json.loads, (workdir / "metrics.jsonl").read_text().splitlines())
        ]
        for workdir in (straight, killed)
    ]
    assert losses[0] == losses[1]


def test_a_second_trainer_is_refused_and_a_full_disk_loses_only_later_updates(
    arguments, run_binary: Run, start_binary: Start, tmp_path
):
    workdir = tmp_path / "run"
    options = [*arguments, "--config.train.num_steps=2000", f"--workdir={workdir}"]
    first = start_binary("train", *options)
    wait_for_step(workdir, 1, of=first)
    second = run_binary("train", *options)
    assert second.returncode == 1
    assert f"{workdir} is in use by another process" in second.stderr
    assert first.poll() is None, "the first trainer stopped"
    first.kill()
    first.communicate()
    latest = max(steps_saved(workdir))

    def allow_small_files_only() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    full = subprocess.run(
        [sys.executable, "-m", "avsync.bin.train", *options],
        cwd=ROOT,
        env=environment(devices=1),
        capture_output=True,
        text=True,
        preexec_fn=allow_small_files_only,
    )
    errors = full.stderr
    assert full.returncode == 1
    assert "cannot write a checkpoint to" in errors
    assert f"the checkpoint after {latest} updates is complete" in errors
    assert len(errors.splitlines()) < 10, errors
    assert latest in steps_saved(workdir)
    checkpoint.load_params(workdir, latest)


def test_a_diverged_training_lists_the_clips_of_its_last_batch(
    arguments, run_binary: Run, tmp_path
):
    workdir = tmp_path / "run"
    options = ["--config.train.checkpoint_every=30", "--config.optim.learning_rate=1e38"]
    done = run_binary("train", *arguments, *options, f"--workdir={workdir}")
    assert done.returncode == 1
    assert str(workdir / "nan_batch.json") in done.stderr
    assert "lower config.optim.learning_rate" in done.stderr
    assert "Traceback" not in done.stderr
    left = json.loads((workdir / "nan_batch.json").read_text())
    assert left["step"] > 1
    assert left["clip_ids"]


def test_a_training_preempted_before_its_first_update_asks_to_be_run_again(
    arguments, start_binary: Start, tmp_path
):
    workdir = tmp_path / "run"
    process = start_binary("train", *arguments, f"--workdir={workdir}")
    while not (workdir / "environment.json").is_file():
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)
    process.terminate()
    _, errors = process.communicate()
    assert process.returncode == 75, errors
    assert "again" in errors
    assert "Traceback" not in errors
