"""Metadata files, read a row at a time; what is wrong in one is told with its file and row."""

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

# From end to end: `prepare` cuts what a dataset says of a file to the length of its clip.
WHOLE_CLIP: Segments = ((0.0, math.inf),)

# By whether picture and sound are fake.
CATEGORY_OF = {
    (False, False): "RV-RA",
    (False, True): "RV-FA",
    (True, False): "FV-RA",
    (True, True): "FV-FA",
}

# By their names, and by the letters that FakeAVCeleb calls them by.
CATEGORIES_BY_NAME = {name: name for name in CATEGORIES} | dict(
    zip("ABCD", CATEGORIES, strict=True)
)

LABELS = {"0": REAL, "real": REAL, "1": FAKE, "fake": FAKE}


def read_csv(path: Path, *, columns: Sequence[str]) -> Iterator[dict[str, str]]:
    """The rows of a CSV file with a header, whose names may come in any order, with others.

    ValueError if there is no such file, or names the column that it lacks.
    """
    require_file(path, expected=f"a CSV file with the columns {', '.join(columns)}")
    # utf-8-sig: spreadsheets put a byte order mark before the first name.
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, restval="")
        require_columns(path, reader.fieldnames or (), columns=columns)
        for row in reader:
            if None in row:  # where csv puts what is left over
                raise ValueError(
                    f"{path}, line {reader.line_num}: more values than the {len(row) - 1} columns "
                    f"{', '.join(reader.fieldnames or ())}"
                )
            yield row


def require_columns(path: Path, found: Sequence[str], *, columns: Sequence[str]) -> None:
    """ValueError if a column is not there, or under another name."""
    for name in columns:
        if name not in found:
            raise ValueError(f"{path}: {lookup.unknown('column', name, list(found))}")


def read_json_list(path: Path, *, keys: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The objects of a JSON list, one at a time: such files have up to half a gigabyte.

    ValueError if there is no such file, if it is no such list, or if an object lacks a key.
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
                        known = lookup.unknown("key", key, sorted(item))
                        raise ValueError(f"{path}, item {count}: {known}")
                yield item
                count += 1
        except ijson.JSONError as error:
            raise ValueError(f"{path} is not whole JSON after item {count}: {error}") from error
    if not count:
        raise ValueError(f"{path}: expected a JSON list of objects, found none in it")


def parse_rows(
    path: Path, rows: Iterable[T], parse: Callable[[T], R], *, first: int = 2
) -> Iterator[R]:
    """`parse` of each row; a ValueError that it raises is told with the file and the row.

    Rows are counted from `first`: in a CSV file the first of them is line 2.
    """
    for number, row in enumerate(rows, start=first):
        try:
            yield parse(row)
        except ValueError as error:
            raise ValueError(f"{path}, row {number}: {error}") from error


def known(kind: str, value: str, meanings: Mapping[str, T]) -> T:
    """What `value` means; ValueError lists the known values."""
    lookup.require(kind, value, sorted(meanings))
    return meanings[value]


def parse_label(text: str) -> int:
    """0 or 1, of `0`, `1`, `real`, `fake` in any case; ValueError for another."""
    return known("label", text.strip().lower(), LABELS)


def parse_category(text: str) -> str:
    """One of `CATEGORIES`, of its name or of the letter A to D by which FakeAVCeleb calls it."""
    return known("category", text.strip(), CATEGORIES_BY_NAME)


def parse_segments(value: Any) -> Segments:
    """(start, end) in seconds, of a list of such pairs or of its JSON text; ValueError if none."""
    try:
        pairs = json.loads(value) if isinstance(value, str) else value
        segments = tuple((float(start), float(end)) for start, end in pairs)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"segments are pairs of seconds such as [[0.2, 0.9]], not {value!r}"
        ) from error
    for start, end in segments:
        if not 0 <= start <= end:
            raise ValueError(f"a segment starts at {start} s and ends at {end} s")
    return segments
