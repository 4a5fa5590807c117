"""What scoring files leaves behind: scores.json, a picture a file, a table to read at once."""

import json
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from avsync.files import atomic_write
from avsync.reports.drawing import to_png
from avsync.reports.video import picture
from avsync.scoring.video import verdict as wording
from avsync.scoring.video.reference import Reference
from avsync.scoring.video.result import Finding, Inspection

FILE = "scores.json"

TABLE_WIDTH = 100


class Report:
    """Grows by a file at a time; what is there of scores.json is complete for the files so far."""

    def __init__(self, out_dir: Path, reference: Reference):
        """Makes the folder."""
        out_dir.mkdir(parents=True, exist_ok=True)
        self._out_dir, self._reference = out_dir, reference
        self._lines: list[dict] = []
        self._pictures: set[str] = set()
        self._table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        self._table.add_column("file", overflow="fold")
        for heading in ("score", "p-value", "offset", "faces"):
            self._table.add_column(heading, justify="right", no_wrap=True)
        self._table.add_column("verdict", overflow="fold")
        self.num_scored = 0

    def add(self, inspection: Inspection) -> None:
        """Writes its picture, if it has a score, and its line."""
        name = None
        if inspection.is_scored:
            self.num_scored += 1
            name = self._free_name(Path(inspection.path).stem)
            atomic_write(self._out_dir / name, to_png(picture.draw(inspection, self._reference)))
        compared_with = wording.comparison(self._reference) if inspection.is_scored else None
        line = inspection.to_json() | {"compared_with": compared_with, "picture": name}
        self._lines.append(line)
        numbers = json.dumps(self._lines, indent=2, allow_nan=False)
        atomic_write(self._out_dir / FILE, f"{numbers}\n")
        finding = inspection.finding
        self._table.add_row(
            Path(inspection.path).name,
            *self._cells(finding),
            str(len(inspection.faces)),
            finding.message if inspection.is_scored else wording.status(finding),
        )

    def print_table(self) -> None:
        """A row a file, and how they are to be read."""
        # No markup: a file's name may hold brackets.
        console = Console(width=TABLE_WIDTH, highlight=False, markup=False, emoji=False)
        console.print(self._table)
        console.print(wording.comparison(self._reference))

    def _free_name(self, stem: str) -> str:
        """Files of one name from several folders keep a picture each."""
        name, number = f"{stem}.png", 1
        while name in self._pictures:
            number += 1
            name = f"{stem}-{number}.png"
        self._pictures.add(name)
        return name

    def _cells(self, finding: Finding) -> list[str]:
        if finding.score is None:
            return ["", "", ""]
        p_value = "" if finding.p_value is None else f"{finding.p_value:.3f}"
        return [f"{finding.score:.2f}", p_value, wording.offset_cell(finding, self._reference)]
