"""The table of avsync-fix: a row for each file."""

from rich import box
from rich.table import Table

from avsync import names
from avsync.repair.fixes import Fix
from avsync.reports import text

TABLE_WIDTH = 100


class Report:
    """Grows file by file.

    Attributes:
      num_good: the files whose sound fits, or whose copy has sound that fits, or would.
    """

    def __init__(self) -> None:
        self.num_good = 0
        self._table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        self._table.add_column("file", overflow="fold")
        for heading in ("before", "after"):
            self._table.add_column(heading, justify="right", no_wrap=True)
        self._table.add_column("status", no_wrap=True)
        self._table.add_column("what was done, or why not", overflow="fold")

    def add(self, fix: Fix) -> None:
        self.num_good += fix.is_good
        self._table.add_row(
            names.shown(fix.path.name),
            _seconds(fix.offset_before),
            _seconds(fix.offset_after),
            text.readable(fix.status),
            fix.message,
        )

    def print_table(self) -> None:
        text.console(TABLE_WIDTH).print(self._table)


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:+.2f} s"
