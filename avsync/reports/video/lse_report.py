"""LSE of scored videos: their table beside avsync's score, and their means in lse.json."""

import collections
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from avsync.files import atomic_write
from avsync.metrics import bootstrap
from avsync.names import shown
from avsync.reports import text
from avsync.reports.video.record import Record, lse_of, sync_result
from avsync.reports.video.tables import Output
from avsync.reports.video.terminal_table import MAX_ROWS
from avsync.scoring.lse import Lse
from avsync.scoring.video import verdict
from avsync.scoring.video.results import OK
from avsync.units import FRAMES_PER_SECOND

LSE_FILE = "lse.json"

# By the fields of `Lse`.
NAMES = {"lse_d": "LSE-D", "lse_c": "LSE-C"}

NOTE = (
    "LSE-D: lower is better; LSE-C: higher is better. Offsets: + means the sound is late, where "
    "SyncNet's own script prints a minus. Each file counts once, its talking faces taken together."
)


class LseReport(Output):
    """lse.json, and the table of LSE beside avsync's score.

    Attributes:
      summary: the contents of lse.json, once it is written.
    """

    def __init__(self, out_dir: Path):
        super().__init__()
        self._path = out_dir / LSE_FILE
        self._rows: list[list[str]] = []
        self._known: list[Lse] = []
        self._without: collections.Counter[str] = collections.Counter()
        self.summary: dict[str, Any] = {}

    def add(self, record: Record) -> None:
        lse = lse_of(record)
        if lse is None:
            self._without[record["status"]] += 1
        else:
            self._known.append(lse)
        if len(self._rows) <= MAX_ROWS:
            self._rows.append([shown(Path(record["path"]).name), *_cells(record, lse)])

    def finish(self) -> None:
        self.summary = summarise(self._known, self._without)
        atomic_write(self._path, json.dumps(self.summary, indent=2) + "\n")

    def print_on(self, console: Console) -> None:
        if len(self._rows) <= MAX_ROWS:
            headings = ("LSE-D", "LSE-C", "SyncNet offset", "avsync score", "avsync offset")
            table = text.terminal_table("LSE by SyncNet", "file", *headings)
            for row in self._rows:
                table.add_row(*row)
            console.print(table)
        for field, name in NAMES.items():
            described = _described(self.summary[field], self.summary["num_clips"])
            console.print(f"mean {name}: {described}")
        if without := self.summary["without"]:
            reasons = ", ".join(f"{number} {status}" for status, number in without.items())
            console.print(f"not in the means: {reasons}")
        console.print(NOTE)


def summarise(known: Sequence[Lse], without: collections.Counter[str]) -> dict[str, Any]:
    """The contents of lse.json: means with 95% intervals over clips, and the clips without LSE."""
    summary: dict[str, Any] = {"num_clips": len(known), "without": dict(without)}
    for field in NAMES:
        estimate = bootstrap.mean(np.array([getattr(lse, field) for lse in known], float))
        summary[field] = {"mean": estimate.value, "low": estimate.low, "high": estimate.high}
    return summary


def _cells(record: Record, lse: Lse | None) -> list[str]:
    if record["status"] != OK or lse is None:
        return ["", "", record["status"], "", ""]
    return [
        f"{lse.lse_d:.3f}",
        f"{lse.lse_c:.3f}",
        verdict.seconds(lse.offset_frames / FRAMES_PER_SECOND),
        f"{record['score']:.2f}",
        verdict.offset_cell(sync_result(record)),
    ]


def _described(estimate: dict[str, Any], num_clips: int) -> str:
    """The text "7.123 [6.900, 7.345] over 12 clips"."""
    if estimate["mean"] is None:
        return "none: no clip has an LSE"
    value = text.interval(estimate["mean"], estimate["low"], estimate["high"])
    return f"{value} over {num_clips} {'clip' if num_clips == 1 else 'clips'}"
