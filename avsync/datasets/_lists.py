"""Clip lists as papers publish them: a CSV file that names the clips of a split."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from avsync import lookup
from avsync.datasets._layout import VIDEO_SUFFIXES, require_file
from avsync.datasets._tables import parse_category, parse_label, parse_rows, read_csv
from avsync.types import FAKE, REAL, ClipInfo, MediaFile

PATH_COLUMNS = ("path", "full_path")


class Listed(NamedTuple):
    """A row of a list; `label` is None if the list does not say."""

    path: str
    label: int | None


class Found(NamedTuple):
    """What a list names of a dataset, in the order of the list, and what the dataset has not."""

    media: list[MediaFile]
    missing: list[str]


def read_list(path: Path) -> list[Listed]:
    """The rows of `path,label[,...]` (AVH-Align's lists of AV-Deepfake1M) or of
    `source,category,full_path` (its lists of FakeAVCeleb).

    ValueError if there is no such file or column, or a label or category that is not known.
    """
    require_file(path, expected="a CSV list of clips, `path,label` or `category,full_path`")
    with path.open(encoding="utf-8-sig") as file:
        header = file.readline().strip().split(",")
    columns = [name for name in PATH_COLUMNS if name in header]
    if not columns:
        raise ValueError(f"{path}: {lookup.unknown('column', PATH_COLUMNS[0], header)}")
    rows = read_csv(path, columns=columns)
    # Of FakeAVCeleb's `meta_data.csv`, `path` is but the name of the file.
    return list(parse_rows(path, rows, lambda row: _parse(row, columns[-1])))


def read_infos(path: Path) -> list[ClipInfo]:
    """The clips that a list names, as what is scored or extracted without a dataset.

    Their ids are the paths without suffix. ValueError as `read_list`, or if a label is missing.
    """
    infos = []
    for listed in read_list(path):
        if listed.label is None:
            raise ValueError(f"{path}: no label for {listed.path}; a column `label` says 0 or 1")
        category = "RV-RA" if listed.label == REAL else ""
        clip_id = without_suffix(listed.path)
        infos.append(ClipInfo(clip_id, label=listed.label, category=category))
    return infos


def find_listed(
    listed: Iterable[Listed],
    media: Mapping[str, MediaFile],
    *,
    ids_of: Callable[[str], Sequence[str]],
) -> Found:
    """The files that a list names; `ids_of` a path are the ids that it may stand for.

    ValueError if a path stands for two files, or if list and dataset disagree on a label.
    """
    files: dict[str, MediaFile] = {}
    missing = []
    for path, label in listed:
        ids = [clip_id for clip_id in dict.fromkeys(ids_of(path)) if clip_id in media]
        if not ids:
            missing.append(path)
            continue
        if len(ids) > 1:
            raise ValueError(f"{path!r} may be {' or '.join(ids)}: write which in the list")
        file = media[ids[0]]
        if label not in (None, file.label):
            raise ValueError(
                f"{path!r} is {_word(label)} by the list, and {_word(file.label)} ({file.category})"
                " by the dataset's own metadata: is the list for another version of it?"
            )
        files[file.clip_id] = file
    return Found(list(files.values()), missing)


def without_suffix(path: str) -> str:
    """A path as ids are written: with forward slashes, no suffix of a video, and no `./`."""
    path = path.strip().replace("\\", "/").removeprefix("./")
    stem, dot, suffix = path.rpartition(".")
    return stem if f"{dot}{suffix}".lower() in VIDEO_SUFFIXES else path


def _parse(row: Mapping[str, str], column: str) -> Listed:
    if not row[column].strip():
        raise ValueError(f"no {column}")
    if "label" in row:
        return Listed(row[column], parse_label(row["label"]))
    if "category" in row:
        return Listed(row[column], REAL if parse_category(row["category"]) == "RV-RA" else FAKE)
    return Listed(row[column], None)


def _word(label: int | None) -> str:
    return "real" if label == REAL else "fake"
