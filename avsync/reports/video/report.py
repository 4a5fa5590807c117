"""Writes scores.jsonl, scores.json and one picture per scored file, and prints a table."""

import dataclasses
import json
import unicodedata
from pathlib import Path

from rich import box
from rich.table import Table

from avsync import names
from avsync.files import append_line, atomic_write, named_in_errors, remove_unfinished
from avsync.processes import described
from avsync.reports import text
from avsync.reports.drawing import to_png
from avsync.reports.video import picture
from avsync.scoring.video import verdict
from avsync.scoring.video.reference import Reference
from avsync.scoring.video.results import VideoResult

# A line for each file, appended when it is done; and all of them as a list, at the end.
LINES, LIST = "scores.jsonl", "scores.json"

# The list of more files would not fit in memory twice. Their lines are all there.
MAX_LISTED = 10_000

TABLE_WIDTH = 100


class Report:
    """Grows file by file: scores.jsonl holds the files added so far, scores.json is written by
    `close`, which also comes after an error. Replaces the results of an earlier job.
    """

    def __init__(self, out_dir: Path, reference: Reference):
        """Creates `out_dir` if needed."""
        out_dir.mkdir(parents=True, exist_ok=True)
        remove_unfinished(out_dir)
        (out_dir / LIST).unlink(missing_ok=True)
        (out_dir / LINES).write_bytes(b"")
        self._out_dir, self._reference = out_dir, reference
        self._num_added = 0
        self._pictures: set[str] = set()
        self._table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        self._table.add_column("file", overflow="fold")
        for heading in ("score", "p-value", "offset", "faces"):
            self._table.add_column(heading, justify="right", no_wrap=True)
        self._table.add_column("verdict", overflow="fold")
        self.num_scored = 0
        self.num_not_tolerated = 0

    def add(self, result: VideoResult) -> None:
        """Adds the entry of a file, and its picture if it has a score."""
        name = compared_with = None
        if result.is_scored:
            compared_with = verdict.comparison(self._reference)
            try:
                png = to_png(picture.draw(result, self._reference))
            except Exception as error:  # the scores are right
                message = f"{result.message}; it has no picture: {described(error)}"
                result = dataclasses.replace(result, message=message)
            else:
                name = self._unused_name(Path(result.path).stem)
                atomic_write(self._out_dir / names.local(name), png)
        entry = result.to_json() | {"compared_with": compared_with, "picture": name}
        append_line(self._out_dir / LINES, json.dumps(entry, allow_nan=False))
        self._num_added += 1
        self.num_scored += result.is_scored
        self.num_not_tolerated += not (result.tolerance and result.tolerance.passes)
        self._table.add_row(
            names.shown(Path(result.path).name),
            *_number_cells(result),
            str(len(result.faces)),
            result.message if result.is_scored else verdict.status_text(result),
        )

    def close(self) -> None:
        """Writes scores.json."""
        if self._num_added <= MAX_LISTED:
            with named_in_errors(self._out_dir / LINES):
                lines = (self._out_dir / LINES).read_text(encoding="utf-8").splitlines()
            entries = [json.loads(line) for line in lines]
            atomic_write(self._out_dir / LIST, f"{json.dumps(entries, indent=2)}\n")

    def print_table(self) -> None:
        """Prints one row per file, and what the scores were compared with."""
        console = text.console(TABLE_WIDTH)
        console.print(self._table)
        console.print(verdict.comparison(self._reference))

    def _unused_name(self, stem: str) -> str:
        """A picture name that no other file has, even if files of several folders share a name."""
        stem = names.stored_readable(names.portable(stem))
        name, number = f"{stem}.png", 1
        while _on_disk(name) in self._pictures:
            number += 1
            name = f"{stem}-{number}.png"
        self._pictures.add(_on_disk(name))
        return name


def _on_disk(name: str) -> str:
    """What names have in common that are the same file on the disks of macOS and Windows."""
    return unicodedata.normalize("NFC", name).casefold()


def _number_cells(result: VideoResult) -> list[str]:
    if result.score is None:
        return ["", "", ""]
    p_value = "" if result.p_value is None else verdict.p_text(result.p_value)
    return [f"{result.score:.2f}", p_value, verdict.offset_cell(result)]
