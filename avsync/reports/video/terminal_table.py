"""The table of scored files on the terminal; of many files, how many have which verdict."""

from collections import Counter
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from avsync import names
from avsync.reports.text import readable
from avsync.reports.video.record import Record, sync_result
from avsync.reports.video.tables import Output
from avsync.scoring.video import verdict
from avsync.scoring.video.reference import Reference
from avsync.scoring.video.results import OK

TABLE_WIDTH = 100

# More files are counted by verdict; the rows of a hundred thousand would help nobody.
MAX_ROWS = 100


class TerminalTable(Output):
    """One row per file, and what the scores were compared with."""

    def __init__(self, reference: Reference):
        super().__init__()
        self._reference = reference
        self._records: list[Record] = []
        self._verdicts: Counter[str] = Counter()

    def add(self, record: Record) -> None:
        if len(self._records) <= MAX_ROWS:
            self._records.append(record)
        is_scored = record["status"] == OK
        self._verdicts[readable(record["verdict"] if is_scored else record["status"])] += 1

    def print_on(self, console: Console) -> None:
        console.print(self._rows() if len(self._records) <= MAX_ROWS else self._counts())
        console.print(verdict.comparison(self._reference))

    def _rows(self) -> Table:
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        table.add_column("file", overflow="fold")
        for heading in ("score", "p-value", "offset", "faces"):
            table.add_column(heading, justify="right", no_wrap=True)
        table.add_column("verdict", overflow="fold")
        for record in self._records:
            is_scored = record["status"] == OK
            table.add_row(
                names.shown(Path(record["path"]).name),
                *_number_cells(record),
                str(len(record["faces"])),
                record["message"] if is_scored else verdict.status_text(sync_result(record)),
            )
        return table

    def _counts(self) -> Table:
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        table.add_column("verdict or status", overflow="fold")
        table.add_column("files", justify="right")
        for name, number in self._verdicts.most_common():
            table.add_row(name, f"{number:,}")
        return table


def _number_cells(record: Record) -> list[str]:
    if record["score"] is None:
        return ["", "", ""]
    p_value = "" if record["p_value"] is None else verdict.p_text(record["p_value"])
    return [f"{record['score']:.2f}", p_value, verdict.offset_cell(sync_result(record))]
