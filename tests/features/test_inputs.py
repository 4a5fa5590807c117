"""Valid combinations of inputs and outputs, and the errors of the others."""

from pathlib import Path

import numpy as np
import pytest

from avsync.features import inputs
from avsync.types import Extraction

NOTHING = {
    "dataset": None,
    "splits": [],
    "from_roi": None,
    "from_npz": None,
    "lists": [],
    "data_dir": "data",
    "trim": "none",
}
EXTRACTION = Extraction("none", "some encoder", {"visual": 8, "audio": 8})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Features of three clips, and lists of two each."""
    for name in ("a", "b", "c"):
        np.savez(tmp_path / f"{name}.npz", visual=np.ones((5, 8)), audio=np.ones((5, 8)))
    (tmp_path / "train.csv").write_text("path,label\na.mp4,0\nb.mp4,0\n")
    (tmp_path / "test.csv").write_text("path,label\nc.mp4,1\nb.mp4,0\n")
    return tmp_path


@pytest.mark.parametrize("given", [{}, {"dataset": "grid", "from_npz": "folder"}])
def test_exactly_one_input_is_required(given):
    with pytest.raises(ValueError, match="exactly one input: --dataset, --from_roi or --from_npz"):
        inputs.find(**{**NOTHING, **given})


def test_unlisted_files_form_one_split_without_labels(folder: Path):
    found = inputs.find(**{**NOTHING, "from_npz": str(folder)})
    assert [(task.split.name, task.num_clips) for task in found.tasks] == [("all", 3)]
    assert found.extraction == Extraction("none", "", {"visual": 8, "audio": 8})
    options = {"data_dir": folder, "dtype": "float32", "out_name": "new", "to_npz": None}
    with pytest.raises(ValueError, match="a dataset needs labels"):
        inputs.open_sink(found, EXTRACTION, **options)


def test_lists_name_splits_their_clips_and_labels(folder: Path):
    lists = [f"train={folder / 'train.csv'}", str(folder / "test.csv")]
    found = inputs.find(**{**NOTHING, "from_npz": str(folder), "lists": lists})
    splits = {task.split.name: task.read(0).clips for task in found.tasks}
    labels = {
        name: [(clip.info.clip_id, clip.info.label) for clip in clips]
        for name, clips in splits.items()
    }
    assert labels == {"train": [("a", 0), ("b", 0)], "test": [("c", 1), ("b", 0)]}


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"from_npz": "nowhere"}, "folder not found: nowhere"),
        ({"from_roi": "{folder}"}, r"no \*_roi.mp4 file found below"),
        ({"from_npz": "{folder}", "lists": ["nowhere.csv"]}, "nowhere.csv"),
        ({"dataset": "nothing"}, "unknown dataset: 'nothing'"),
    ],
)
def test_missing_inputs_are_named(folder: Path, given, match):
    texts = {k: v.format(folder=folder) if isinstance(v, str) else v for k, v in given.items()}
    with pytest.raises(ValueError, match=match):
        inputs.find(**{**NOTHING, "data_dir": str(folder), **texts})


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({}, "exactly one output: --out_name or --to_npz"),
        ({"out_name": "a", "to_npz": "b"}, "exactly one output: --out_name or --to_npz"),
        ({"out_name": "grid"}, "--out_name=grid must be"),
        ({"out_name": "a/b"}, "--out_name=a/b must be"),
        ({"out_name": "a", "file_format": "csv"}, "unknown file format: 'csv'"),
        ({"to_npz": "a", "file_format": "array_record"}, "=array_record is for datasets, --out_n"),
    ],
)
def test_exactly_one_output_is_required(folder: Path, given, match):
    options = {"data_dir": folder, "dtype": "float32", "out_name": None, "to_npz": None}
    with pytest.raises(ValueError, match=match):
        inputs.open_sink(inputs.Inputs([]), EXTRACTION, **{**options, **given})
