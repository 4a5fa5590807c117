"""Your own clips: a manifest (CSV or Parquet), or a folder of real videos."""

import functools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from avsync import names
from avsync.datasets._clip_lists import with_forward_slashes, without_suffix
from avsync.datasets._layout import folder_contents
from avsync.datasets._metadata import (
    WHOLE_CLIP,
    Segments,
    parse_category,
    parse_choice,
    parse_label,
    parse_rows,
    parse_segments,
    read_csv,
    require_columns,
)
from avsync.datasets._splits import SPLITS, Plan, make_plan
from avsync.datasets.base import MediaBuilder, Selection
from avsync.media.folders import SUFFIXES, list_media, without_media_suffix
from avsync.types import FAKE, REAL, MediaFile

COLUMNS = ("path", "label")

# Optional columns of a manifest; columns with other names become attributes.
OPTIONAL = (
    "clip_id",
    "category",
    "identity",
    "split",
    "manipulation",
    "source_clip",
    "fake_segments",
    "audio_track",
)

SPLIT_NAMES = {name: name for name in SPLITS}

KNOWN_COLUMNS = {*COLUMNS, *OPTIONAL}

# The category of fakes without one: both streams may be fake.
CATEGORY_OF_FAKES = "FV-FA"

EXPECTED = (
    "a folder of real videos, or a manifest (.csv or .parquet) with the columns path and label "
    f"and optionally {', '.join(OPTIONAL)} and any others"
)


class Builder(MediaBuilder):
    """Clips of a manifest, `--source=manifest.csv`, or of a folder of real videos, `--source=DIR`.

    The manifest's column `split` gives the split. Clips of a manifest without it are in `test`,
    those of a folder in `train`.
    """

    name = "folder"

    @staticmethod
    def find_media(source: Path) -> list[MediaFile]:
        """The clips of the manifest, or the videos at any depth of the folder.

        Paths in a manifest are relative to its folder. Ids are the paths without suffix, unless a
        column `clip_id` gives others; files that differ in their suffix alone (a.mkv, a.mp4) keep
        it in their ids. `fake_segments` is a JSON list of pairs of seconds; a fake without it is
        fake from start to end. `audio_track` is a number from 1. A ValueError names the
        row that is wrong.
        """
        return read_media(source)[0]

    @staticmethod
    def listed_ids(path: str) -> Sequence[str]:
        """Candidate ids for a path in a clip list: a suffix is part of few ids."""
        return (with_forward_slashes(path), without_suffix(path))

    @classmethod
    def plan(cls, source: Path, selection: Selection) -> Plan:
        """The plan of `MediaBuilder.plan`, with a note on what was skipped in the folder."""
        media, notes = read_media(source)
        plan = make_plan(media, selection, ids_of=cls.listed_ids)
        return plan._replace(notes=[*notes, *plan.notes])


def read_media(source: Path) -> tuple[list[MediaFile], list[str]]:
    """The files, sorted by id, and sentences for the user."""
    notes: list[str] = []
    if source.is_dir():
        found = list_media(source)
        notes += [note] if (note := found.note(source)) else []
        ids = _ids([names.text(path.relative_to(source).as_posix()) for path in found.files])
        media = [
            MediaFile(clip_id, path, split="train")
            for clip_id, path in zip(ids, found.files, strict=True)
        ]
    elif source.is_file() and source.suffix.lower() in READERS:
        rows = READERS[source.suffix.lower()](source)
        media = _listed_media(source, rows)
    else:
        kind = f"a {source.suffix} file" if source.suffix else "a file without suffix"
        found = kind if source.exists() else "no such file"
        raise ValueError(f"{source}: expected {EXPECTED}; found {found}")
    if not media:
        found = f"found {folder_contents(source)}" if source.is_dir() else "no rows"
        raise ValueError(
            f"no clips in {source}: expected {EXPECTED} ({' '.join(SUFFIXES)}); {found}"
        )
    return sorted(media, key=lambda file: file.clip_id), notes


def _listed_media(source: Path, rows: Iterable[dict[str, str]]) -> list[MediaFile]:
    """The files of a manifest, with their ids and those of their sources."""
    parse = functools.partial(_media_file, source.parent)
    listed = list(parse_rows(source, rows, lambda row: (parse(row), _name(row["path"]))))
    unnamed = [name for file, name in listed if not file.clip_id]
    id_of = dict(zip(unnamed, _ids(unnamed), strict=True))
    return [
        file._replace(
            clip_id=file.clip_id or id_of[name],
            source_clip=id_of.get(_name(file.source_clip)) or without_suffix(file.source_clip),
        )
        for file, name in listed
    ]


def _ids(paths: Sequence[str]) -> list[str]:
    """The path of each file without its suffix, or with it where two would have the same id."""
    ids = [without_media_suffix(path) for path in paths]
    while True:
        counts = Counter(ids)
        changed = [
            path if counts[clip_id] > 1 else clip_id
            for path, clip_id in zip(paths, ids, strict=True)
        ]
        # Again: an id with its suffix, a.mkv, may be that of another file, a.mkv.mp4.
        if changed == ids:
            return ids
        ids = changed


def _media_file(folder: Path, row: Mapping[str, str]) -> MediaFile:
    if not row["path"].strip():
        raise ValueError("path is empty")
    label = parse_label(row["label"])
    category = _category(label, row.get("category", ""))
    others = {key: text for key, text in row.items() if text and key not in KNOWN_COLUMNS}
    return MediaFile(
        clip_id=row.get("clip_id", ""),  # the path's, if this is empty
        path=folder / names.local(row["path"]),
        identity=row.get("identity", ""),
        label=label,
        category=category,
        manipulation=row.get("manipulation") or ("real" if label == REAL else "unknown"),
        source_clip=row.get("source_clip", ""),
        fake_segments=_segments(label, row.get("fake_segments", "")),
        attributes=others,
        split=parse_choice("split", row.get("split", "test"), SPLIT_NAMES),
        audio_track=_track(row.get("audio_track", "")),
    )


def _track(text: str) -> int | None:
    if not text.strip():
        return None
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"audio_track {text!r} is not the number of a track, from 1")
    return int(text)


def _category(label: int, text: str) -> str:
    if not text:
        return CATEGORY_OF_FAKES if label == FAKE else "RV-RA"
    category = parse_category(text)
    if (category == "RV-RA") != (label == REAL):
        raise ValueError(
            f"label {label} and category {category} disagree; RV-RA is label 0, the others 1"
        )
    return category


def _segments(label: int, text: str) -> Segments:
    if label == REAL:
        return ()
    return parse_segments(text) if text else WHOLE_CLIP


def _name(path: str) -> str:
    return with_forward_slashes(path).lstrip("/")


def _csv_rows(path: Path) -> Iterator[dict[str, str]]:
    return read_csv(path, columns=COLUMNS)


def _parquet_rows(path: Path) -> Iterator[dict[str, str]]:
    try:
        file = pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path} is not a Parquet file: {error}") from error
    with file:
        require_columns(path, file.schema_arrow.names, columns=COLUMNS)
        for batch in file.iter_batches():
            yield from ({key: _text(v) for key, v in row.items()} for row in batch.to_pylist())


def _text(value: Any) -> str:
    return "" if value is None else str(value)


READERS = {".csv": _csv_rows, ".parquet": _parquet_rows}
