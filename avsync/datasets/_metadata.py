"""Metadata files (CSV, JSON), read row by row; errors name the file and the row."""

import csv
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import ijson

from avsync import lookup
from avsync.datasets._layout import require_file
from avsync.types import CATEGORIES, FAKE, REAL

T = TypeVar("T")
R = TypeVar("R")

Segments = tuple[tuple[float, float], ...]

# The whole clip: preparation cuts segments to the length of the clip.
WHOLE_CLIP: Segments = ((0.0, math.inf),)

# Category by whether (video, audio) is fake.
CATEGORY_OF = {
    (False, False): "RV-RA",
    (False, True): "RV-FA",
    (True, False): "FV-RA",
    (True, True): "FV-FA",
}

# Category by its name, and by its letter in FakeAVCeleb.
CATEGORIES_BY_NAME = {name: name for name in CATEGORIES} | dict(
    zip("ABCD", CATEGORIES, strict=True)
)

LABELS = {"0": REAL, "real": REAL, "1": FAKE, "fake": FAKE}


def read_csv(path: Path, *, columns: Sequence[str]) -> Iterator[dict[str, str]]:
    """The rows of a CSV file with a header; `columns` may come in any order, among others.

    Raises ValueError if the file or one of the `columns` is missing, or if it is not UTF-8 text.
    """
    require_file(path, expected=f"a CSV file with the columns {', '.join(columns)}")
    # utf-8-sig: spreadsheets write a byte order mark before the first name.
    line = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            require_columns(path, reader.fieldnames or (), columns=columns)
            for row in reader:
                line = reader.line_num
                if None in row:  # csv puts surplus values under None
                    raise ValueError(
                        f"{path}, line {line}: more values than the {len(row) - 1} columns "
                        f"{', '.join(reader.fieldnames or ())}"
                    )
                yield row
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise ValueError(
            f"{path} is not UTF-8 text: found the byte 0x{byte:02x} after line {line:,}; save it "
            "as UTF-8 (in a spreadsheet: CSV UTF-8)"
        ) from error
    except csv.Error as error:
        raise ValueError(f"{path}, after line {line:,}: {error}") from error


def require_columns(path: Path, header: Sequence[str], *, columns: Sequence[str]) -> None:
    """Raises ValueError if one of `columns` is missing, naming the nearest column of `header`."""
    for name in columns:
        if name not in header:
            raise ValueError(f"{path}: {lookup.unknown('column', name, list(header))}")


def read_json_list(path: Path, *, keys: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The objects of a JSON list, parsed one at a time: these files reach half a gigabyte.

    Raises ValueError if the file is missing, is not such a list, or if an object lacks a key.
    """
    require_file(path, expected=f"a JSON list of objects with the keys {', '.join(keys)}")
    count = 0
    with path.open("rb") as file:
        try:
            for item in ijson.items(file, "item", use_float=True):
                if not isinstance(item, dict):
                    raise ValueError(f"{path}, item {count}: expected an object, found {item!r}")
                for key in keys:
                    if key not in item:
                        unknown = lookup.unknown("key", key, sorted(item))
                        raise ValueError(f"{path}, item {count}: {unknown}")
                yield item
                count += 1
        except ijson.JSONError as error:
            raise ValueError(f"{path}: invalid JSON after item {count}: {error}") from error
    if not count:
        raise ValueError(f"{path}: expected a JSON list of objects, found none")


def parse_rows(
    path: Path, rows: Iterable[T], parse: Callable[[T], R], *, first: int = 2
) -> Iterator[R]:
    """Parses each row; a ValueError from `parse` is raised again with the file and row number.

    Rows are numbered from `first`: in a CSV file the first row is line 2.
    """
    for number, row in enumerate(rows, start=first):
        try:
            yield parse(row)
        except ValueError as error:
            raise ValueError(f"{path}, row {number}: {error}") from error


def parse_choice(kind: str, value: str, meanings: Mapping[str, T]) -> T:
    """The meaning of `value`; ValueError lists the known values."""
    lookup.require(kind, value, sorted(meanings))
    return meanings[value]


def parse_label(text: str) -> int:
    """0 for "0" or "real", 1 for "1" or "fake", in any case; else ValueError."""
    return parse_choice("label", text.strip().lower(), LABELS)


def parse_category(text: str) -> str:
    """One of `CATEGORIES`, given its name or its letter A to D in FakeAVCeleb."""
    return parse_choice("category", text.strip(), CATEGORIES_BY_NAME)


def parse_segments(value: Any) -> Segments:
    """Segments in seconds from a list of (start, end) pairs, or from its JSON text."""
    try:
        pairs = json.loads(value) if isinstance(value, str) else value
        segments = tuple((float(start), float(end)) for start, end in pairs)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"expected segments as pairs of seconds such as [[0.2, 0.9]], got {value!r}"
        ) from error
    for start, end in segments:
        if not 0 <= start <= end:
            raise ValueError(
                f"invalid segment [{start}, {end}] in seconds; expected 0 <= start <= end"
            )
    return segments
