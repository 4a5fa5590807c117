"""The input and output of an extraction: splits of a dataset, or AVH-Align's files."""

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from avsync import lookup
from avsync.datasets._clip_lists import read_infos
from avsync.datasets.base import open_source, split_names
from avsync.features import official
from avsync.features.job import SplitTask, from_dataset, from_files
from avsync.features.official import NpzFolder
from avsync.features.store import FeatureDataset
from avsync.mirror import is_address
from avsync.records.shards import TFRECORD, require_format
from avsync.types import ClipInfo, Extraction

# The split of files without a list: they have no label, so only files can be written from them.
UNLISTED = "all"


class Inputs(NamedTuple):
    """The splits to extract; `extraction` is that of features, and None for clips."""

    tasks: list[SplitTask]
    extraction: Extraction | None = None


def find(
    *,
    dataset: str | None,
    splits: Sequence[str],
    from_roi: str | None,
    from_npz: str | None,
    lists: Sequence[str],
    data_dir: str,
    trim: str,
) -> Inputs:
    """The inputs named by exactly one of `dataset`, `from_roi` and `from_npz`; or ValueError."""
    if sum(map(bool, (dataset, from_roi, from_npz))) != 1:
        raise ValueError("give exactly one input: --dataset, --from_roi or --from_npz")
    if dataset:
        return dataset_inputs(dataset, splits, data_dir=data_dir, trim=trim)
    if from_roi:
        return roi_inputs(Path(from_roi).expanduser(), lists, trim=trim)
    return npz_inputs(Path(from_npz or "").expanduser(), lists, trim=trim)


def output_folder(data_dir: str, out_name: str | None) -> Path:
    """The folder of the feature dataset; ValueError if there is one and this is an address."""
    if out_name and is_address(data_dir):
        raise ValueError(
            f"--data_dir={data_dir} is only read: give --out_dir, the folder in which "
            f"--out_name={out_name} is written"
        )
    return Path(data_dir).expanduser()


def open_sink(
    inputs: Inputs,
    extraction: Extraction,
    *,
    to_npz: str | None,
    out_name: str | None,
    data_dir: Path,
    dtype: str,
    file_format: str = TFRECORD,
) -> FeatureDataset | NpzFolder:
    """The destination named by exactly one of `to_npz` and `out_name`.

    ValueError if the destination holds features of another extraction, if a dataset would get clips
    without labels, or if the format of its files is unknown.
    """
    require_format(file_format)
    if bool(to_npz) == bool(out_name):
        raise ValueError("give exactly one output: --out_name or --to_npz")
    if to_npz:
        if file_format != TFRECORD:
            raise ValueError(f"--file_format={file_format} is for datasets, --out_name")
        return NpzFolder(Path(to_npz).expanduser(), extraction=extraction)
    name = str(out_name)
    if not name.isidentifier() or name in lookup.names("datasets"):
        raise ValueError(
            f"--out_name={name} must be an identifier, and not the name of a dataset of clips"
        )
    if any(task.split.name == UNLISTED for task in inputs.tasks):
        raise ValueError("a dataset needs labels: give --list=SPLIT=FILE.csv")
    kinds = {"dtype": dtype, "file_format": file_format}
    return FeatureDataset(name, data_dir=data_dir, extraction=extraction, **kinds)


def dataset_inputs(
    dataset: str, splits: Sequence[str], *, data_dir: str | Path, trim: str
) -> Inputs:
    """The splits of a dataset, by default all of them. ValueError as for `open_source`."""
    names = splits or split_names(dataset, data_dir=data_dir, trim=trim)
    sources = [open_source(dataset, name, data_dir=data_dir, trim=trim) for name in names]
    tasks = [from_dataset(source, trim=trim) for source in sources]
    extraction = sources[0].extraction
    if extraction is None:
        return Inputs(tasks)
    channels = {stream: extraction.channels[stream] for stream in ("visual", "audio")}
    return Inputs(tasks, extraction._replace(channels=channels))


def roi_inputs(folder: Path, lists: Sequence[str], *, trim: str) -> Inputs:
    """The pairs of crops and audio below `folder`; only the listed ones if there are lists."""
    load = functools.partial(official.read_roi, folder, trim=trim)
    splits = _splits(folder, official.ROI_SUFFIX, lists)
    return Inputs([from_files(name, infos, load) for name, infos in splits.items()])


def npz_inputs(folder: Path, lists: Sequence[str], *, trim: str) -> Inputs:
    """The feature files below `folder`; only the listed ones if there are lists.

    All must have the channels of the first readable file; ValueError if no file is readable.
    """
    splits = _splits(folder, official.NPZ_SUFFIX, lists)
    infos = [info for listed in splits.values() for info in listed]
    channels = official.channels(folder, infos)
    load = functools.partial(official.read_npz, folder, channels=channels)
    tasks = [from_files(name, infos, load) for name, infos in splits.items()]
    return Inputs(tasks, Extraction(trim, encoder="", channels=channels))


def _splits(folder: Path, suffix: str, lists: Sequence[str]) -> Mapping[str, list[ClipInfo]]:
    if not folder.is_dir():
        raise ValueError(f"folder not found: {folder}")
    if not lists:
        ids = official.clip_ids(folder, suffix)
        return {UNLISTED: [ClipInfo(clip_id, label=0, category="") for clip_id in ids]}
    splits = {}
    for text in lists:
        name, _, path = text.rpartition("=")
        splits[name or "test"] = read_infos(Path(path).expanduser())
    return splits
