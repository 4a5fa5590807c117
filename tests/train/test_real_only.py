"""No fake reaches the alignment loss: its split must be real-only, and so must every batch."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from avsync.build_training import make_training
from avsync.config import default
from avsync.datasets.base import ClipBuilder
from avsync.train.step import refuse_fakes
from avsync.types import Batch, Clip
from tests.conftest import Run


class Builder(ClipBuilder, skip_registration=True):
    """A dataset that breaks its promise: one clip of its real-only split is fake."""

    name = "poisoned"
    REAL_ONLY_SPLITS = ("train", "val")

    def clips(self):
        return {split: self._mixed(split) for split in self.REAL_ONLY_SPLITS}

    def _mixed(self, split: str):
        random = np.random.default_rng(0)
        for i in range(6):
            is_fake = i == 3
            yield Clip(
                clip_id=f"{split}{i}{'-forged' if is_fake else ''}",
                frames=random.integers(0, 256, (45, 96, 96, 1), np.uint8),
                waveform=random.integers(-999, 999, 45 * 640).astype(np.int16),
                label=int(is_fake),
                category="RV-FA" if is_fake else "RV-RA",
            )


@pytest.mark.parametrize("loss", ["alignment", "pseudo_fake"])
def test_a_split_that_may_hold_fakes_is_refused(loss: str, tiny_data: Path):
    config = default()
    config.train.loss = loss
    config.data.update(
        dataset="synthetic_talkers/tiny", data_dir=str(tiny_data), train_split="train_labelled"
    )
    with pytest.raises(ValueError, match="train_labelled may hold fakes"):
        make_training(config)


def test_a_fake_in_a_batch_is_named():
    batch = Batch(None, None, None, None, np.array([0, 1, 0]))
    with pytest.raises(ValueError, match=r"1 of the 3 rows .* labelled fake: bad"):
        refuse_fakes(batch, ["good", "bad", "fine"])


@pytest.mark.parametrize("loss", ["alignment", "pseudo_fake"])
def test_a_poisoned_dataset_stops_training(loss: str, tmp_path: Path, run_binary: Run):
    Builder(data_dir=tmp_path / "data").download_and_prepare()
    done = run_binary(
        "train",
        "--config=configs/quickstart.py:test",
        "--config.data.dataset=poisoned",
        f"--config.data.data_dir={tmp_path / 'data'}",
        f"--config.train.loss={loss}",
        f"--workdir={tmp_path / 'run'}",
    )
    assert done.returncode == 1
    assert "trains on real clips only" in done.stderr
    assert "train3-forged" in done.stderr
    assert "Traceback" not in done.stderr
    shutil.rmtree(tmp_path / "data")


def test_a_poisoned_member_of_a_mixture_stops_training_by_its_name(
    tiny_data: Path, tmp_path: Path, run_binary: Run
):
    shutil.copytree(tiny_data, tmp_path / "data")
    Builder(data_dir=tmp_path / "data").download_and_prepare()
    done = run_binary(
        "train",
        "--config=configs/quickstart.py:test",
        "--config.data.mixture={'poisoned': 1, 'synthetic_talkers/tiny': 1}",
        f"--config.data.data_dir={tmp_path / 'data'}",
        f"--workdir={tmp_path / 'run'}",
    )
    assert done.returncode == 1
    assert "trains on real clips only" in done.stderr
    assert "poisoned: train3-forged" in done.stderr or "poisoned: the alignment" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_member_that_may_hold_fakes_is_refused(tiny_data: Path):
    config = default()
    config.data.update(dataset="", data_dir=str(tiny_data), train_split="train_labelled")
    config.data.mixture = {"synthetic_talkers/tiny": 1.0}
    with pytest.raises(ValueError, match="tiny/train_labelled may hold fakes"):
        make_training(config)
