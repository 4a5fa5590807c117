"""Datasets are read by TFDS, by TensorFlow or at random, in a process that never imports avsync."""

import json
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

from avsync.datasets.base import open_source
from avsync.input_pipeline.records import num_files
from avsync.input_pipeline.sampling import read_samples
from avsync.records.shards import read_at
from tests import feature_dataset
from tests.conftest import Run

NAME = "synthetic_talkers/tiny"

# Prints, for each clip, its id and checksums of its pixels and samples.
READ = """
import json, sys, zlib
import tensorflow_datasets as tfds

clips, features, arrays = sys.argv[1:]

def shown(clip):
    frames = clip["frames"]
    whole = b"".join(frame.tobytes() for frame in frames)
    return [clip["clip_id"].decode(), zlib.crc32(whole), zlib.crc32(clip["waveform"].tobytes())]

loaded = tfds.load("synthetic_talkers/tiny", split="val", data_dir=clips, shuffle_files=False)
source = tfds.data_source("synthetic_talkers/tiny", split="val", data_dir=arrays)
print(json.dumps({
    "clips": [shown(clip) for clip in tfds.as_numpy(loaded)],
    "arrays": [shown(source[i]) for i in reversed(range(len(source)))],
    "batch": [shown(clip) for clip in source.__getitems__([3, 1])],
    "features": [
        [clip["clip_id"].decode(), clip["visual"].tolist()]
        for clip in tfds.as_numpy(tfds.load("features/leading", split="train", data_dir=features))
    ],
    "imported": [name for name in sys.modules if name.split(".")[0] == "avsync"],
}))
"""


@pytest.fixture(scope="module")
def arrays(tmp_path_factory: pytest.TempPathFactory, run_binary: Run) -> Path:
    """A data_dir with the tiny dataset as ArrayRecord files."""
    data_dir = tmp_path_factory.mktemp("arrays")
    place = (f"--dataset={NAME}", f"--data_dir={data_dir}")
    done = run_binary("prepare", *place, "--file_format=array_record")
    assert done.returncode == 0, done.stderr
    again = run_binary("prepare", *place)
    assert "was prepared with file_format=array_record, not tfrecord" in again.stderr
    return data_dir


def test_tfds_reads_clips_and_features_without_avsync(
    tiny_data: Path, arrays: Path, tmp_path: Path
):
    clip = np.arange(6, dtype=np.float32).reshape(3, 2)
    feature_dataset.write(tmp_path / "data", {"train": [(clip, clip), (2 * clip, clip)]})
    # In isolated mode, without the paths of this checkout.
    command = [sys.executable, "-I", "-W", "ignore", "-c", READ]
    command += [str(tiny_data), str(tmp_path / "data"), str(arrays)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    read = json.loads(done.stdout.splitlines()[-1])
    assert read["imported"] == []
    ids = [clip_id for clip_id, *_ in read["clips"]]
    source = open_source(NAME, "val", data_dir=tiny_data)
    assert ids == [clip.clip_id for clip in read_samples(source, range(source.num_clips))]
    assert read["arrays"] == read["clips"][::-1]
    assert read["batch"] == [read["clips"][3], read["clips"][1]]
    assert read["features"] == [["train/0", clip.tolist()], ["train/1", (2 * clip).tolist()]]


def test_both_formats_hold_the_same_records(tiny_data: Path, arrays: Path):
    records = []
    for data_dir, suffix in ((tiny_data, "tfrecord"), (arrays, "array_record")):
        (path,) = (data_dir / NAME / "1.0.0").glob(f"synthetic_talkers-val.{suffix}-*")
        records.append([zlib.crc32(record) for record in read_at(path, range(4))])
    assert records[0] == records[1]


def test_avsync_says_that_it_does_not_train_from_array_record(arrays: Path, tmp_path: Path):
    with pytest.raises(ValueError, match="prepare it into another folder with --file_format=tfr"):
        num_files(open_source(NAME, "train", data_dir=arrays))


def test_a_file_of_array_record_that_is_damaged_or_missing_is_named(tmp_path: Path):
    path = tmp_path / "clips.array_record-00000-of-00001"
    with pytest.raises(ValueError, match=f"{path.name} is missing"):
        list(read_at(path, [0]))
    path.write_bytes(b"no such file" * 99)
    with pytest.raises(ValueError, match=f"{path.name} is damaged"):
        list(read_at(path, [0]))
