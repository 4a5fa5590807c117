"""A damaged file of a dataset is named, wherever its records are read."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from avsync.datasets.base import open_source
from avsync.input_pipeline import contents, sampling, sound
from avsync.input_pipeline.evaluation import whole_clips
from avsync.input_pipeline.training import train_batches
from avsync.pp.augmentation import Augmentation

DATASET = "synthetic_talkers/tiny"


@pytest.fixture
def dataset(tiny_data: Path, tmp_path: Path) -> Path:
    """A copy of the dataset, to be damaged."""
    shutil.copytree(tiny_data, tmp_path / "data")
    return tmp_path / "data"


def shards(data_dir: Path, split: str) -> list[Path]:
    return sorted(data_dir.rglob(f"*-{split}.tfrecord-*"))


def flip(path: Path, *, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


def train_on(source):
    return train_batches(
        source, batch_size=2, window_frames=25, trim="leading", augmentation=Augmentation(), seed=0
    )


READERS: dict[str, Callable] = {
    "train": train_on,
    "evaluate": lambda source: whole_clips(source, trim="none"),
    "facts": contents.read_facts,
    "sound": sound.read_sound,
}


@pytest.mark.parametrize("reader", READERS)
def test_a_flipped_bit_names_the_file(dataset, reader):
    source = open_source(DATASET, "val", data_dir=dataset)
    path = shards(dataset, "val")[-1]
    flip(path, position=path.stat().st_size // 2)
    with pytest.raises(ValueError, match=rf"{path} is damaged in record \d+: copy it again"):
        for _, _ in zip(READERS[reader](source), range(100), strict=False):
            pass


def test_a_file_that_is_cut_short_or_missing_is_named(dataset):
    source = open_source(DATASET, "val", data_dir=dataset)
    path = shards(dataset, "val")[-1]
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(ValueError, match=f"{path} is damaged"):
        list(whole_clips(source, trim="none"))
    path.unlink()
    with pytest.raises(ValueError, match=f"{path} is missing"):
        list(whole_clips(source, trim="none"))


def test_a_damaged_length_is_named_where_only_some_records_are_read(dataset):
    source = open_source(DATASET, "val", data_dir=dataset)
    path = shards(dataset, "val")[0]
    flip(path, position=5)
    with pytest.raises(ValueError, match=f"{path} is damaged in record 1"):
        list(sampling.read_samples(source, range(source.num_clips)))
