"""Writes scores.json and one picture per scored file, and prints a table."""

import json
import unicodedata
from pathlib import Path

from rich import box
from rich.table import Table

from avsync import names
from avsync.files import atomic_write
from avsync.reports import text
from avsync.reports.drawing import to_png
from avsync.reports.video import picture
from avsync.scoring.video import verdict
from avsync.scoring.video.reference import Reference
from avsync.scoring.video.results import VideoResult

FILE = "scores.json"

TABLE_WIDTH = 100


class Report:
    """Grows file by file; scores.json is complete for the files added so far."""

    def __init__(self, out_dir: Path, reference: Reference):
        """Creates `out_dir` if needed."""
        out_dir.mkdir(parents=True, exist_ok=True)
        self._out_dir, self._reference = out_dir, reference
        self._entries: list[dict] = []
        self._pictures: set[str] = set()
        self._table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        self._table.add_column("file", overflow="fold")
        for heading in ("score", "p-value", "offset", "faces"):
            self._table.add_column(heading, justify="right", no_wrap=True)
        self._table.add_column("verdict", overflow="fold")
        self.num_scored = 0

    def add(self, result: VideoResult) -> None:
        """Adds the entry of a file, and its picture if it has a score."""
        name = compared_with = None
        if result.is_scored:
            self.num_scored += 1
            name = self._unused_name(Path(result.path).stem)
            path = self._out_dir / names.local(name)
            atomic_write(path, to_png(picture.draw(result, self._reference)))
            compared_with = verdict.comparison(self._reference)
        self._entries.append(result.to_json() | {"compared_with": compared_with, "picture": name})
        content = json.dumps(self._entries, indent=2, allow_nan=False)
        atomic_write(self._out_dir / FILE, f"{content}\n")
        self._table.add_row(
            names.shown(Path(result.path).name),
            *_number_cells(result),
            str(len(result.faces)),
            result.message if result.is_scored else verdict.status_text(result),
        )

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
    p_value = "" if result.p_value is None else f"{result.p_value:.3f}"
    return [f"{result.score:.2f}", p_value, verdict.offset_cell(result)]
