"""Splits of every dataset: real clips for training, fakes beside them, and both together."""

from pathlib import Path

import numpy as np
import pytest

from avsync.datasets.base import open_source
from avsync.datasets.folder import Builder
from avsync.input_pipeline.evaluation import whole_clips
from avsync.types import Clip, Host


def clip(clip_id: str) -> Clip:
    """A constant clip of one second, fake if its id starts with "f"."""
    is_fake = clip_id.startswith("f")
    return Clip(
        clip_id=clip_id,
        frames=np.zeros((25, 96, 96, 1), np.uint8),
        waveform=np.full(25 * 640, 999, np.int16),
        label=int(is_fake),
        category="FV-FA" if is_fake else "RV-RA",
    )


def builder(data_dir: Path, **splits: list[str]) -> Builder:
    prepared = {clip_id: clip(clip_id) for ids in splits.values() for clip_id in ids}
    return Builder(data_dir=data_dir, prepared=prepared, splits=splits)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    builder(folder, train=["r1", "r2"], train_fake=["f1"], val=["r3"], test=["r4", "f4"]).write()
    return folder


@pytest.mark.parametrize("split", ["train_labelled", "train+train_fake"])
def test_a_labelled_split_joins_the_real_split_and_its_fakes(data_dir, split):
    source = open_source("folder", split, data_dir=data_dir)
    assert (source.split, source.num_clips, source.is_real_only) == ("train+train_fake", 3, False)
    ids = [whole.info.clip_id for whole in whole_clips(source, trim="none")]
    assert ids == ["r1", "r2", "f1"]


def test_hosts_share_a_joined_split_without_gap_or_overlap(data_dir):
    source = open_source("folder", "train_labelled", data_dir=data_dir)
    ids = [
        whole.info.clip_id
        for index in range(2)
        for whole in whole_clips(source, trim="none", host=Host(index, 2))
    ]
    assert sorted(ids) == ["f1", "r1", "r2"]


def test_joined_splits_are_real_only_if_all_parts_are(data_dir):
    assert open_source("folder", "train+val", data_dir=data_dir).is_real_only
    assert not open_source("folder", "train+test", data_dir=data_dir).is_real_only


@pytest.mark.parametrize("split", ["trian", "train+tset", "val_labelled", "train_real"])
def test_an_unknown_split_is_refused(data_dir, split):
    with pytest.raises(ValueError, match=rf"unknown split of folder: '{split.split('+')[-1]}'"):
        open_source("folder", split, data_dir=data_dir)


def test_rejected_clips_are_in_no_split(tmp_path):
    made = Builder(
        data_dir=tmp_path,
        prepared={"r1": clip("r1")},
        splits={"train": ["r1", "r2"], "val": ["r3"]},
    )
    assert {split: [c.clip_id for c in clips] for split, clips in made.clips().items()} == {
        "train": ["r1"]
    }


def test_a_fake_is_not_stored_in_a_real_only_split(tmp_path):
    with pytest.raises(ValueError, match=r"folder/train is a real-only split, but f1 was prepared"):
        builder(tmp_path, train=["r1", "f1"]).write()
