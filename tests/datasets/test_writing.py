"""Any number of processes writes the same files, and what was left out is told once."""

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds
from etils import epath
from tensorflow_datasets.core.utils.shard_utils import ShardConfig

from avsync.datasets._portions import Portioned
from avsync.datasets._writing import MIN_PORTIONS_PER_PROCESS, PORTION_ITEMS, write_splits
from avsync.records.clip_record import parse_record
from avsync.records.shards import FILE_FORMATS, TFRECORD, read_at
from avsync.types import Clip

NUM_ITEMS = 2 * MIN_PORTIONS_PER_PROCESS * PORTION_ITEMS - 3


def number_clips(numbers: Sequence[int], *, broken: int = -1):
    """Two clips of each number, which is their grey level; of every tenth number, only one."""
    for number in numbers:
        if number == broken:
            raise ValueError(f"clip {number} is broken")
        frames = np.full((25, 96, 96, 1), number % 256, np.uint8)
        yield Clip(f"{number}a", frames, np.full(25 * 640, number, np.int16))
        if number % 10 == 0:
            yield ("left out", number)
        else:
            yield Clip(f"{number}b", frames, np.full(25 * 640, -number, np.int16))


def some_splits(told: list) -> dict:
    return {
        "train": Portioned(
            range(NUM_ITEMS),
            lambda numbers: functools.partial(number_clips, numbers),
            conclude=told.append,
        ),
        "test": (clip for clip in number_clips([1, 2]) if isinstance(clip, Clip)),
    }


def write(
    folder: Path,
    splits: dict,
    *,
    num_processes: int,
    num_shards: int = 3,
    file_format: str = TFRECORD,
) -> list:
    folder.mkdir()
    templates = {
        split: tfds.core.ShardedFileTemplate(
            data_dir=epath.Path(folder),
            dataset_name="numbers",
            split=split,
            filetype_suffix=file_format,
        )
        for split in splits
    }
    return write_splits(
        splits,
        storage="png",
        templates=templates,
        folder=folder,
        num_processes=num_processes,
        shards=ShardConfig(num_shards=num_shards),
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("file_format", FILE_FORMATS)
def test_two_processes_write_the_same_bytes_as_one(tmp_path, file_format: str):
    left_out: list = [[], []]
    for n in (1, 2):
        splits = some_splits(left_out[n - 1])
        infos = write(tmp_path / str(n), splits, num_processes=n, file_format=file_format)
    one = contents(tmp_path / "1")
    assert one == contents(tmp_path / "2")
    assert len(one) == 6
    tens = [("left out", number) for number in range(0, NUM_ITEMS, 10)]
    assert left_out == [[tens], [tens]]
    # The shards are those that TFDS would cut, in the order of the items.
    num_clips = 2 * NUM_ITEMS - len(tens)
    assert infos[0].shard_lengths == [
        round(num_clips * k / 3) - round(num_clips * (k - 1) / 3) for k in (1, 2, 3)
    ]
    paths = [tmp_path / "1" / name for name in sorted(one) if "train" in name]
    shards = zip(paths, infos[0].shard_lengths, strict=True)
    records = [record for path, length in shards for record in read_at(path, range(length))]
    assert infos[0].num_bytes == sum(map(len, records))
    assert [parse_record(record)["clip_id"][0].decode() for record in records] == [
        f"{number}{letter}"
        for number in range(NUM_ITEMS)
        for letter in ("a" if number % 10 == 0 else "ab")
    ]


def test_an_error_in_a_process_is_raised_here(tmp_path):
    splits = {
        "train": Portioned(
            range(NUM_ITEMS), lambda numbers: functools.partial(number_clips, numbers, broken=99)
        )
    }
    with pytest.raises(ValueError, match="clip 99 is broken"):
        write(tmp_path / "out", splits, num_processes=2)


def test_a_split_without_clips_is_refused(tmp_path):
    with pytest.raises(ValueError, match="split test has no clips"):
        write(tmp_path / "out", {"test": iter(())}, num_processes=1)
