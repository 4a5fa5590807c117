"""What is to be extracted: the splits of a dataset, or files of AVH-Align named by lists."""

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from avsync import lookup
from avsync.datasets._clip_lists import read_infos
from avsync.datasets.base import open_source, split_names
from avsync.features import official
from avsync.features.job import Work, from_dataset, from_files
from avsync.features.official import NpzFolder
from avsync.features.store import FeatureDataset
from avsync.types import ClipInfo, Extraction

# Of files that no list names: they have no label, and can only become files again.
UNLISTED = "all"


class Inputs(NamedTuple):
    """The splits, and how their features were extracted; None if they are clips."""

    works: list[Work]
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
    """What one of `dataset`, `from_roi`, `from_npz` names; ValueError says what is amiss."""
    if sum(map(bool, (dataset, from_roi, from_npz))) != 1:
        raise ValueError("say what to extract, by one of --dataset, --from_roi, --from_npz")
    if dataset:
        return of_dataset(dataset, splits, data_dir=Path(data_dir).expanduser(), trim=trim)
    if from_roi:
        return of_roi(Path(from_roi).expanduser(), lists, trim=trim)
    return of_npz(Path(from_npz or "").expanduser(), lists, trim=trim)


def open_sink(
    inputs: Inputs,
    extraction: Extraction,
    *,
    to_npz: str | None,
    out_name: str | None,
    data_dir: str,
    dtype: str,
) -> FeatureDataset | NpzFolder:
    """Where features go, `to_npz` or `out_name`.

    ValueError if it is not one of them, if it was begun in another way, or if clips have no label.
    """
    if bool(to_npz) == bool(out_name):
        raise ValueError("say where features go, by one of --out_name, --to_npz")
    if to_npz:
        return NpzFolder(Path(to_npz).expanduser(), extraction=extraction)
    name, folder = str(out_name), Path(data_dir).expanduser()
    if not name.isidentifier() or name in lookup.names("datasets"):
        raise ValueError(
            f"--out_name={name}: it must be of letters, digits and _, and no dataset's of clips"
        )
    if any(work.split.name == UNLISTED for work in inputs.works):
        raise ValueError("a dataset needs labels: name the files by --list=SPLIT=FILE.csv")
    return FeatureDataset(name, data_dir=folder, extraction=extraction, dtype=dtype)


def of_dataset(dataset: str, splits: Sequence[str], *, data_dir: Path, trim: str) -> Inputs:
    """These splits of a dataset, all if none is named. ValueError as `open_source`."""
    names = splits or split_names(dataset, data_dir=data_dir, trim=trim)
    sources = [open_source(dataset, name, data_dir=data_dir, trim=trim) for name in names]
    works = [from_dataset(source, trim=trim) for source in sources]
    held = sources[0].extraction
    if held is None:
        return Inputs(works)
    taken = {stream: held.channels[stream] for stream in ("visual", "audio")}
    return Inputs(works, held._replace(channels=taken))


def of_roi(folder: Path, lists: Sequence[str], *, trim: str) -> Inputs:
    """The pairs of crops and sounds below `folder`, those that are listed if any are."""
    load = functools.partial(official.read_roi, folder, trim=trim)
    splits = _splits(folder, official.ROI_SUFFIX, lists)
    return Inputs([from_files(name, infos, load) for name, infos in splits.items()])


def of_npz(folder: Path, lists: Sequence[str], *, trim: str) -> Inputs:
    """The files of features below `folder`, those that are listed if any are.

    All must have the sizes of the first that can be read; ValueError if none can.
    """
    splits = _splits(folder, official.NPZ_SUFFIX, lists)
    infos = [info for listed in splits.values() for info in listed]
    channels = official.channels(folder, infos)
    load = functools.partial(official.read_npz, folder, channels=channels)
    works = [from_files(name, infos, load) for name, infos in splits.items()]
    return Inputs(works, Extraction(trim, encoder="", channels=channels))


def _splits(folder: Path, suffix: str, lists: Sequence[str]) -> Mapping[str, list[ClipInfo]]:
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder")
    if not lists:
        ids = official.clip_ids(folder, suffix)
        return {UNLISTED: [ClipInfo(clip_id, label=0, category="") for clip_id in ids]}
    splits = {}
    for text in lists:
        name, _, path = text.rpartition("=")
        splits[name or "test"] = read_infos(Path(path).expanduser())
    return splits
