"""Complete trainings on features, seconds long: averages, reports and errors."""

import json
import math
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from avsync import build_training, checkpoint
from avsync.config import Config
from avsync.train.job import Training
from avsync.train.loop import train
from avsync.train.reporter import MEASURED
from tests import feature_dataset
from tests.test_configs import load

CHANNELS = 6


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight clips to train on, two to validate; the split "broken" has a clip of NaNs."""
    data_dir = tmp_path_factory.mktemp("data")
    generator = np.random.default_rng(0)

    def clips(num: int):
        return [tuple(generator.standard_normal((2, 12, CHANNELS), np.float32)) for _ in range(num)]

    nothing = np.full((12, CHANNELS), np.nan, np.float32)
    splits = {"train": clips(8), "val": clips(2), "broken": [*clips(7), (nothing, nothing)]}
    feature_dataset.write(data_dir, splits)
    return data_dir


def config_of(data_dir: Path, **data) -> Config:
    config = load("avh_align", "test")
    config.data.update(dataset="features", data_dir=str(data_dir), batch_size=2, **data)
    config.train.update(num_epochs=0, num_steps=6, checkpoint_every=2, log_every=1)
    return config


def lines_of(workdir: Path, split: str) -> list[dict]:
    lines = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    return [line for line in lines if line["split"] == split]


def workdir_of(path: Path, config: Config) -> Path:
    checkpoint.write_config(path, json.loads(config.to_json()))
    return path


def stopped_after(job: Training, num_steps: int) -> Training:
    return job._replace(schedule=job.schedule._replace(num_steps=num_steps))


def test_the_average_is_validated_evaluated_and_resumed(data_dir, tmp_path):
    plain, averaged = config_of(data_dir), config_of(data_dir)
    averaged.optim.ema_decay = 0.99
    straight = workdir_of(tmp_path / "straight", averaged)
    again = workdir_of(tmp_path / "again", averaged)
    without = workdir_of(tmp_path / "without", plain)
    train(build_training.make_training(plain), without)
    job = build_training.make_training(averaged)
    train(job, straight)
    train(stopped_after(job, 4), again)
    train(job, again)

    # The updates are what they are without; the validations are not.
    for split, is_same in (("train", True), ("val", False)):
        losses = [[line["loss"] for line in lines_of(w, split)] for w in (straight, without)]
        assert (losses[0] == losses[1]) is is_same
    params = [checkpoint.load_params(workdir, 6) for workdir in (straight, again, without)]
    jax.tree.map(np.testing.assert_array_equal, params[0], params[1])
    # What is evaluated is what was validated.
    objective = job.rule.objective
    for workdir, tree in ((straight, params[0]), (without, params[2])):
        (batch, _), *_ = job.validations[0].batches()
        tree, batch = jax.tree.map(jnp.asarray, (tree, batch))
        logits = job.apply(tree, batch.visual, batch.audio, batch.valid)
        loss = float(objective.total(logits, batch)) / int(objective.num_terms(batch))
        assert loss == pytest.approx(lines_of(workdir, "val")[-1]["loss"], rel=1e-5)


def test_a_loss_that_is_not_finite_stops_the_training_and_lists_its_clips(data_dir, tmp_path):
    config = config_of(data_dir, train_split="broken")
    config.train.checkpoint_every = 1
    broken, names = 1, []
    while broken == 1:  # until there is a checkpoint before
        config.seed += 1
        batches = build_training.make_training(config).batches(0)
        names = [next(batches).clip_ids for _ in range(4)]
        broken = next(step for step, ids in enumerate(names, start=1) if "broken/7" in ids)
    job = build_training.make_training(config)
    with pytest.raises(ValueError, match=rf"update {broken}: the loss is nan .*nan_batch\.json"):
        train(job, tmp_path)
    left = json.loads((tmp_path / "nan_batch.json").read_text())
    assert left["step"] == broken
    assert left["loss"] == "nan"
    assert left["clip_ids"] == names[broken - 1]
    # The checkpoints before it are intact, and there is none after it.
    assert checkpoint.best_step(tmp_path) <= broken - 1
    assert not (tmp_path / "checkpoints" / str(broken)).exists()
    params = checkpoint.load_params(tmp_path, broken - 1)
    assert all(np.isfinite(x).all() for x in jax.tree.leaves(params))


def test_reports_have_speed_and_learning_rate_and_profiles_have_steps(data_dir, tmp_path):
    train(build_training.make_training(config_of(data_dir)), tmp_path, num_profiled=1)
    lines = lines_of(tmp_path, "train")
    assert [line["step"] for line in lines] == [1, 2, 3, 4, 5, 6]
    for line in lines:
        assert all(line[name] >= 0 for name in MEASURED)
        assert line["data_wait"] + line["device_busy"] <= 1.01
    assert lines[-1]["frames_per_second"] > 0
    assert lines[-1]["mfu"] > 0
    # A cosine over 6 updates from 0.01 at angles 0, 30, 60, ... degrees.
    rates = [0.01 * (1 + math.cos(math.pi * i / 6)) / 2 for i in range(6)]
    assert [line["learning_rate"] for line in lines] == pytest.approx(rates, rel=1e-5)
    (profile,) = (tmp_path / "profile").rglob("*.xplane.pb")
    assert b"step_num" in profile.read_bytes()
    counts = json.loads((tmp_path / "environment.json").read_text())["num_parameters"]
    assert counts["total"] == counts["head"] > 0  # the encoders of features have no parameters


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reach_clips": 1}, r"reach_clips must be 0 to 0 for config\.data\.batch_size=2"),
        (
            {"reach_clips": 1, "grad_accum_steps": 2},
            r"reach_clips=1 needs .*grad_accum_steps=1, got 2",
        ),
        ({"reach_clips": 1, "loss": "supervised"}, r"needs config\.train\.loss='alignment'"),
        ({"remat": "cheep"}, "did you mean 'cheap'"),
    ],
)
def test_incompatible_settings_are_refused(data_dir, changes, message):
    config = config_of(data_dir)
    config.train.update(changes)
    with pytest.raises(ValueError, match=message):
        build_training.make_training(config)
