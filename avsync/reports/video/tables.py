"""What is written about all files of a job at once: scores.csv, scores.json, and lists of paths.

Each is a context that takes record by record, and whose file is whole at its end; after an error
inside the context, the file stays as it was before.
"""

import abc
import contextlib
import csv
import io
import json
import os
from pathlib import Path
from types import TracebackType
from typing import IO

from rich.console import Console

from avsync import names
from avsync.files import atomic_write, replacing
from avsync.reports.video.record import Record, empty_values, values
from avsync.reports.video.rule import Rule

TABLE, LIST = "scores.csv", "scores.json"

# The list of more files would not fit in memory twice. Their lines are all there.
MAX_LISTED = 10_000

# Of a face, besides the values that it shares with files.
BOX = ("left", "top", "right", "bottom")
FACE_COLUMNS = ("start", "end", "is_talking", *BOX)


class Output(contextlib.AbstractContextManager):
    """What is made of the records of a job."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self.finish()
        self._stack.__exit__(kind, error, traceback)

    @abc.abstractmethod
    def add(self, record: Record) -> None:
        """Takes the next record."""

    def finish(self) -> None:
        """Called after the last record."""

    def print_on(self, console: Console) -> None:
        """Prints what is said on the terminal."""

    def _writes(self, path: Path) -> IO[bytes]:
        """A file that replaces the one at `path` at the end of the context."""
        return self._stack.enter_context(self._stack.enter_context(replacing(path)).open("wb"))


class CsvTable(Output):
    """scores.csv: a row for each file, followed by one for each of its faces.

    In UTF-8; bytes of a path that are not UTF-8 are written as "%E9".
    """

    def __init__(self, out_dir: Path):
        super().__init__()
        path, *rest = empty_values()
        columns = [path, "face", *rest, *FACE_COLUMNS]
        # A message may name a path too.
        text = io.TextIOWrapper(
            self._writes(out_dir / TABLE), encoding="utf-8", errors="backslashreplace", newline=""
        )
        self._stack.callback(text.flush)
        # Values that a row lacks are empty; those without a column are in scores.jsonl.
        self._rows = csv.DictWriter(text, columns, restval="", extrasaction="ignore")
        self._rows.writeheader()

    def add(self, record: Record) -> None:
        path = {"path": names.text(record["path"])}
        self._rows.writerow(values(record) | path)
        for number, face in enumerate(record["faces"], start=1):
            box = dict(zip(BOX, face["box"], strict=True))
            self._rows.writerow(values(face) | box | path | {"face": number})


class JsonList(Output):
    """scores.json: the list of all records, if there are at most `MAX_LISTED`."""

    def __init__(self, out_dir: Path):
        super().__init__()
        self._path = out_dir / LIST
        self._records: list[Record] = []

    def add(self, record: Record) -> None:
        if len(self._records) <= MAX_LISTED:
            self._records.append(record)

    def finish(self) -> None:
        if len(self._records) <= MAX_LISTED:
            atomic_write(self._path, f"{json.dumps(self._records, indent=2)}\n")
        else:
            self._path.unlink(missing_ok=True)


class PathLists(Output):
    """The files for which a rule holds, and the others: a path a line, in two lists.

    Paths are written byte for byte. One that holds a line break would be two; it is in no list.

    Attributes:
      num_kept, num_dropped: the number of files for which the rule holds, and of the others.
      num_odd: the number of files with a line break in their path.
    """

    def __init__(self, rule: Rule, *, keep: Path | None, drop: Path | None):
        """`keep` and `drop` are the files to write; None writes none."""
        super().__init__()
        self._rule = rule
        self._kept, self._dropped = (path and self._writes(path) for path in (keep, drop))
        self.num_kept = self.num_dropped = self.num_odd = 0

    def add(self, record: Record) -> None:
        path = os.fsencode(names.local(record["path"]))
        holds = self._rule.holds(values(record))
        if b"\n" in path or b"\r" in path:
            self.num_odd += 1
            return
        self.num_kept += holds
        self.num_dropped += not holds
        if file := self._kept if holds else self._dropped:
            file.write(path + b"\n")

    def print_on(self, console: Console) -> None:
        """Prints how many files are in each list, and why some could not be chosen."""
        text = f"{self._rule.text}: {self.num_kept:,} files kept, {self.num_dropped:,} dropped"
        if self._rule.lacking:
            lacking = ", ".join(f"{name} ({n:,})" for name, n in self._rule.lacking.most_common())
            text += f", among them those that lack {lacking}"
        if self.num_odd:
            text += f"; {self.num_odd:,} with a line break in the path are in no list"
        console.print(text)
