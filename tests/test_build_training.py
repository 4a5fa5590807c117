"""From a config to a training, on a small dataset of features."""

import shutil
from pathlib import Path

import jax
import numpy as np
import pytest

from avsync import build_training
from avsync.train.validation import validation_losses
from tests import feature_dataset
from tests.test_configs import load


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """13 clips of 10 frames to train on, one to validate on, and a split without any frame."""
    data_dir = tmp_path_factory.mktemp("data")
    clip = np.ones((10, 8), np.float32)
    splits = {"train": [(clip, clip)] * 13, "val": [(clip, clip)], "silent": [(clip[:0], clip[:0])]}
    feature_dataset.write(data_dir, splits)
    return data_dir


@pytest.fixture(scope="module")
def mixed_data(data_dir: Path, tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with other datasets: "same", "wide", "others" of features, and clips."""
    mixed = tmp_path_factory.mktemp("mixed")
    shutil.copytree(data_dir, mixed, dirs_exist_ok=True)
    shutil.copytree(tiny_data, mixed, dirs_exist_ok=True)
    for name, channels, encoder in (
        ("same", 8, "a test's"), ("wide", 9, "a test's"), ("others", 8, "another")
    ):  # fmt: skip
        clip = np.full((10, channels), 3, np.float32)
        splits = {"train": [(clip, clip)] * 3, "val": [(clip, clip)]}
        feature_dataset.write(mixed, splits, name=name, encoder=encoder)
    return mixed


def config_of(data_dir: Path, arg: str = "official_test", **data):
    config = load("avh_align", arg)
    config.data.update(dataset="features", data_dir=str(data_dir), **data)
    return config


def test_epochs_are_counted_in_batches_of_frames_or_of_clips(data_dir):
    config = config_of(data_dir)
    config.train.num_epochs = 5
    # 130 frames by 64; 13 clips by 4.
    for order, num_steps in (("file", 3), ("shuffled", 4)):
        config.data.order = order
        schedule = build_training.make_training(config).schedule
        assert (schedule.num_steps, schedule.validate_every) == (5 * num_steps, num_steps)
    config.train.update(num_epochs=0, num_steps=70, checkpoint_every=9)
    schedule = build_training.make_training(config).schedule
    assert (schedule.num_steps, schedule.validate_every) == (70, 9)


def test_each_order_yields_its_own_kind_of_batches(data_dir):
    for order, num_rows in (("file", jax.local_device_count()), ("shuffled", 4)):
        job = build_training.make_training(config_of(data_dir, order=order))
        batch, clip_ids = next(job.batches(0))
        assert len(batch.valid) == len(clip_ids) == num_rows


def test_an_unknown_order_names_the_nearest(data_dir):
    with pytest.raises(ValueError, match=r"unknown order: 'flie'; did you mean 'file'\?"):
        build_training.make_training(config_of(data_dir, order="flie"))


def test_pseudo_fakes_are_made_of_shuffled_windows_only(data_dir):
    config = config_of(data_dir)
    config.train.loss = "pseudo_fake"
    with pytest.raises(ValueError, match=r"needs config.data.order='shuffled', got 'file'"):
        build_training.make_training(config)
    config.data.order = "shuffled"
    config.data.pseudo_fakes.share = 0.99
    batch, _ = next(build_training.make_training(config).batches(0))
    assert batch.forged is not None
    assert batch.loss_mask.sum() < batch.valid.sum()
    config.data.pseudo_fakes.share = 1.5
    with pytest.raises(ValueError, match=r"between 0 and 1, got 1\.5"):
        build_training.make_training(config)


def test_a_validation_split_without_a_frame_is_refused(data_dir):
    job = build_training.make_training(config_of(data_dir, val_split="silent"))
    with pytest.raises(ValueError, match="no frame of the validation split"):
        validation_losses(job.validations, validate=no_loss, params=None, is_real_only=True)


def no_loss(params, batch):
    return {"loss": 0.0 * batch.loss_mask.sum(), "count": batch.loss_mask.sum()}


def test_a_validation_loss_that_is_not_finite_is_refused(data_dir):
    def broken(params, batch):
        return {"loss": np.nan, "count": batch.loss_mask.sum()}

    job = build_training.make_training(config_of(data_dir))
    with pytest.raises(ValueError, match=r"validation loss is nan; lower .*learning_rate"):
        validation_losses(job.validations, validate=broken, params=None, is_real_only=True)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"mixture": {"features": 1.0, "grdi": 1.0}}, r"unknown dataset: 'grdi'.* 'grid'\?"),
        ({"mixture": {"features": 0.0}}, "gives 'features' the weight 0; expected a positive"),
        ({}, r"config\.data names no dataset"),
        ({"dataset": "features", "mixture": {"others": 1.0}}, r"set config\.data\.dataset = ''"),
        ({"mixture": {"features": 1.0, "others": 1.0}}, r"have the encoder a test's and another"),
        ({"mixture": {"features": 1.0, "wide": 1.0}}, r"have the channels \[8, 8\] and \[9, 9\]"),
        (
            {"mixture": {"features": 1.0, "synthetic_talkers/tiny": 1.0}},
            "features holds extracted features, synthetic_talkers/tiny clips",
        ),
        (
            {"mixture": {"features": 1.0, "same": 1.0}, "order": "file"},
            "'file' reads the frames of one dataset",
        ),
        ({"dataset": "features", "balance": "identity", "order": "file"}, "use 'shuffled'"),
        ({"dataset": "features", "balance": "talker"}, r"unknown config\.data\.balance: 'talker'"),
    ],
)
def test_datasets_that_make_no_training_are_refused(mixed_data, data, message):
    config = config_of(mixed_data)
    config.data.update({"dataset": "", "order": "shuffled"})
    config.data.update(data)
    with pytest.raises(ValueError, match=message):
        build_training.make_training(config)


def test_an_epoch_of_a_mixture_has_as_many_rows_as_all_datasets_have_clips(mixed_data):
    config = config_of(mixed_data)
    config.data.update(dataset="", order="shuffled", mixture={"features": 3.0, "same": 1.0})
    config.train.num_epochs = 2
    job = build_training.make_training(config)
    assert job.schedule.validate_every == 4  # 13 and 3 clips by 4
    assert [(x.name, x.weight) for x in job.validations] == [("features", 0.75), ("same", 0.25)]
    told = job.datasets["same"]
    assert (told["split"], told["num_clips"], told["share"]) == ("train", 3, 0.25)

    def loss(params, batch):  # 1 for "features", 3 for "same"
        return {"loss": (batch.visual[..., 0] * batch.loss_mask).sum(), "count": batch.valid.sum()}

    losses = validation_losses(job.validations, validate=loss, params=None, is_real_only=True)
    assert losses == {"loss": 1.5, "features/loss": 1.0, "same/loss": 3.0}
