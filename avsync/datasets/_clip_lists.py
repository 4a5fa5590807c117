"""Published clip lists: CSV files that name the clips of a split."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from avsync import lookup
from avsync.datasets._layout import require_file
from avsync.datasets._metadata import parse_category, parse_label, parse_rows, read_csv
from avsync.media.folders import without_media_suffix
from avsync.types import FAKE, REAL, ClipInfo, MediaFile

PATH_COLUMNS = ("path", "full_path")


class ListedClip(NamedTuple):
    """A row of a clip list; `label` is None if the list has no labels."""

    path: str
    label: int | None


class Matches(NamedTuple):
    """The listed files that the dataset has, in the order of the list, and the missing paths."""

    media: list[MediaFile]
    missing: list[str]


def read_list(path: Path) -> list[ListedClip]:
    """Reads a list `path,label[,...]` or `source,category,full_path`.

    These are the formats of AVH-Align's lists for AV-Deepfake1M and for FakeAVCeleb. Raises
    ValueError if the file or a column is missing, or a label or category is unknown.
    """
    require_file(path, expected="a CSV clip list, `path,label` or `category,full_path`")
    # Text in another encoding is an error that `read_csv` explains.
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        header = file.readline().strip().split(",")
    columns = [name for name in PATH_COLUMNS if name in header]
    if not columns:
        raise ValueError(f"{path}: {lookup.unknown('column', PATH_COLUMNS[0], header)}")
    rows = read_csv(path, columns=columns)
    # The last of PATH_COLUMNS wins: in FakeAVCeleb's `meta_data.csv`, `path` is only a file name.
    return list(parse_rows(path, rows, lambda row: _parse(row, columns[-1])))


def read_infos(path: Path) -> list[ClipInfo]:
    """Reads a clip list as clip infos, to score or extract files without a dataset.

    Ids are the paths without suffix. Raises ValueError as `read_list`, or if a label is missing.
    """
    infos = []
    for listed in read_list(path):
        if listed.label is None:
            raise ValueError(f"{path}: no label for {listed.path}; add a column `label` of 0 or 1")
        category = "RV-RA" if listed.label == REAL else ""
        clip_id = without_suffix(listed.path)
        infos.append(ClipInfo(clip_id, label=listed.label, category=category))
    return infos


def find_listed(
    listed: Iterable[ListedClip],
    media: Mapping[str, MediaFile],
    *,
    ids_of: Callable[[str], Sequence[str]],
) -> Matches:
    """Matches listed clips to the files of a dataset; `ids_of` gives the candidate ids of a path.

    Raises ValueError if a path matches two files, or if list and dataset disagree on a label.
    """
    files: dict[str, MediaFile] = {}
    missing = []
    for path, label in listed:
        ids = [clip_id for clip_id in dict.fromkeys(ids_of(path)) if clip_id in media]
        if not ids:
            missing.append(path)
            continue
        if len(ids) > 1:
            raise ValueError(f"{path!r} is ambiguous: {' or '.join(ids)}; write one in the list")
        file = media[ids[0]]
        if label not in (None, file.label):
            raise ValueError(
                f"{path!r} is {_word(label)} in the list but {_word(file.label)} ({file.category}) "
                "in the dataset's metadata; the list may be for another version of the dataset"
            )
        files[file.clip_id] = file
    return Matches(list(files.values()), missing)


def without_suffix(path: str) -> str:
    """A path as a clip id: forward slashes, no leading `./`, no media suffix."""
    return without_media_suffix(with_forward_slashes(path))


def with_forward_slashes(path: str) -> str:
    """A path as in clip ids, with its suffix: forward slashes, no leading `./`."""
    return path.strip().replace("\\", "/").removeprefix("./")


def _parse(row: Mapping[str, str], column: str) -> ListedClip:
    if not row[column].strip():
        raise ValueError(f"{column} is empty")
    if "label" in row:
        return ListedClip(row[column], parse_label(row["label"]))
    if "category" in row:
        return ListedClip(row[column], REAL if parse_category(row["category"]) == "RV-RA" else FAKE)
    return ListedClip(row[column], None)


def _word(label: int | None) -> str:
    return "real" if label == REAL else "fake"
