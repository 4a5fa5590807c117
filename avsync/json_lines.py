"""A file of JSON objects, one a line, that grows line by line and is read by key.

A line is whole or absent: what a kill left of the last one is cut off when the file is opened. A
key may have several lines; its last one counts. Only keys, places and a few fields are in memory,
so that a file of a hundred thousand lines can be read in any order.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from avsync.files import append_line, replacing

Record = dict[str, Any]


class LineFile:
    """The open file at `path`, which is created if needed, and what its lines hold.

    One process at a time may write it. ValueError names a line that is no JSON object with `key`.

    Attributes:
      path: of the file.
      num_outdated: lines whose key has a later line, see `compact`.
    """

    def __init__(self, path: Path, *, key: str, kept: Sequence[str] = ()):
        """`kept` are the fields that stay in memory, see `known`."""
        self.path, self._key, self._kept = path, key, tuple(kept)
        self._open()

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def __iter__(self) -> Iterator[str]:
        """The keys, in the order of their first lines."""
        return iter(self._places)

    def known(self, key: str) -> Record | None:
        """The kept fields of the line of `key`, None where it lacks one; None without a line."""
        values = self._values.get(key)
        return None if values is None else dict(zip(self._kept, values, strict=True))

    def append(self, record: Record) -> None:
        """Adds a line, all of it or, on an error, nothing."""
        text = json.dumps(record, allow_nan=False)
        append_line(self.path, text)
        self._add(record, self._end)
        self._end += len(text.encode()) + 1

    def records(self, keys: Iterable[str]) -> Iterator[Record]:
        """The objects of these keys, in this order; a key without a line is left out."""
        with self.path.open("rb") as file:
            for key in keys:
                if (place := self._places.get(key)) is not None:
                    if file.tell() != place:
                        file.seek(place)
                    yield json.loads(file.readline())

    def absorb(self, other: Path) -> None:
        """Adds all lines of the file at `other`, and removes it."""
        lines = LineFile(other, key=self._key)
        for record in lines.records(lines):
            self.append(record)
        other.unlink()

    def compact(self, *, only: Collection[str] | None = None) -> None:
        """Rewrites the file without lines that are outdated, or whose key is not in `only`."""
        keys = [key for key in self._places if only is None or key in only]
        if not self.num_outdated and len(keys) == len(self._places):
            return
        with (
            self.path.open("rb") as old,
            replacing(self.path) as unfinished,
            unfinished.open("wb") as new,
        ):
            for key in keys:
                old.seek(self._places[key])
                new.write(old.readline())
        self._open()

    def _open(self) -> None:
        self._places: dict[str, int] = {}
        self._values: dict[str, tuple[Any, ...]] = {}
        self.num_outdated = self._end = 0
        with self.path.open("a+b") as file:
            file.seek(0)
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    file.truncate(self._end)
                    break
                self._add(self._parsed(line, number), self._end)
                self._end += len(line)

    def _parsed(self, line: bytes, number: int) -> Record:
        try:
            record = json.loads(line)
            if isinstance(record, dict) and isinstance(record.get(self._key), str):
                return record
        except ValueError:
            pass
        raise ValueError(
            f"{self.path}:{number} is damaged: it is no JSON object with {self._key!r}. Remove "
            "the line, or choose another folder"
        )

    def _add(self, record: Record, place: int) -> None:
        key = record[self._key]
        self.num_outdated += key in self._places
        self._places[key] = place
        if self._kept:
            self._values[key] = tuple(record.get(name) for name in self._kept)
