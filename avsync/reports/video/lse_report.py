"""The report of scored videos with their LSE: the table of LSE, and their means in lse.json."""

import collections
import json
from pathlib import Path
from typing import Any

import numpy as np

from avsync.files import atomic_write
from avsync.metrics import bootstrap
from avsync.names import shown
from avsync.reports import text
from avsync.reports.video.report import TABLE_WIDTH, Report
from avsync.scoring.video import verdict
from avsync.scoring.video.reference import Reference
from avsync.scoring.video.results import OK, VideoResult

LSE_FILE = "lse.json"

# By the fields of `Lse`.
NAMES = {"lse_d": "LSE-D", "lse_c": "LSE-C"}

NOTE = (
    "LSE-D: lower is better; LSE-C: higher is better. Offsets: + means the sound is late, where "
    "SyncNet's own script prints a minus. Each file counts once, its talking faces taken together."
)


class LseReport(Report):
    """A report that also has the LSE of each file, and the means over files."""

    def __init__(self, out_dir: Path, reference: Reference):
        super().__init__(out_dir, reference)
        self._results: list[VideoResult] = []

    def add(self, result: VideoResult) -> None:
        """Adds the entry of a file, and its picture if it has a score."""
        super().add(result)
        # Without the data for the picture, which would keep the sound of every file in memory.
        kept = VideoResult(**result.sync_fields(), path=result.path, lse=result.lse)
        self._results.append(kept)

    def print_table(self) -> None:
        """Prints two tables, the second with avsync's score beside the LSE; writes lse.json."""
        super().print_table()
        summary = summarise(self._results)
        atomic_write(self._out_dir / LSE_FILE, json.dumps(summary, indent=2) + "\n")
        headings = ("LSE-D", "LSE-C", "SyncNet offset", "avsync score", "avsync offset")
        table = text.terminal_table("LSE by SyncNet", "file", *headings)
        for result in self._results:
            table.add_row(shown(Path(result.path).name), *_cells(result))
        console = text.console(TABLE_WIDTH)
        console.print(table)
        for field, name in NAMES.items():
            console.print(f"mean {name}: {_described(summary[field], summary['num_clips'])}")
        if without := summary["without"]:
            reasons = ", ".join(f"{number} {status}" for status, number in without.items())
            console.print(f"not in the means: {reasons}")
        console.print(NOTE)


def summarise(results: list[VideoResult]) -> dict[str, Any]:
    """The contents of lse.json: means with 95% intervals over clips, and the clips without LSE."""
    known = [result.lse for result in results if result.lse is not None]
    without = collections.Counter(result.status for result in results if result.lse is None)
    summary: dict[str, Any] = {"num_clips": len(known), "without": dict(without)}
    for field in NAMES:
        estimate = bootstrap.mean(np.array([getattr(lse, field) for lse in known], float))
        summary[field] = {"mean": estimate.value, "low": estimate.low, "high": estimate.high}
    return summary


def _cells(result: VideoResult) -> list[str]:
    if result.status != OK or result.lse is None:
        return ["", "", result.status, "", ""]
    lse = result.lse
    return [
        f"{lse.lse_d:.3f}",
        f"{lse.lse_c:.3f}",
        verdict.seconds(lse.offset_frames),
        f"{result.score:.2f}",
        verdict.offset_cell(result),
    ]


def _described(estimate: dict[str, Any], num_clips: int) -> str:
    """The text "7.123 [6.900, 7.345] over 12 clips"."""
    if estimate["mean"] is None:
        return "none: no clip has an LSE"
    value = text.interval(estimate["mean"], estimate["low"], estimate["high"])
    return f"{value} over {num_clips} {'clip' if num_clips == 1 else 'clips'}"
