"""The report of a sweep: sweep.csv, sweep.md and sweep.png, and a table in the terminal."""

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.table import Column, Table

from avsync.files import atomic_write
from avsync.reports import drawing, text
from avsync.reports.sweep import picture, table
from avsync.sweeps.commands import Evaluation
from avsync.sweeps.plan import Sweep
from avsync.sweeps.results import Result, read_results

# Rows of the table in the terminal; the files have all of them.
MAX_SHOWN = 20


def write_and_print(sweep: Sweep, root: Path, *, evaluation: Evaluation) -> None:
    """Write the report of the results so far and print its table."""
    results = read_results(sweep, root, evaluation=evaluation)
    tested_on = "; ".join(sorted({evaluation.describe(sweep, run) for run in sweep.runs} - {""}))
    write_report(sweep, results, root=root, tested_on=tested_on)
    print_table(sweep, results, root=root)


def write_report(sweep: Sweep, results: Sequence[Result], *, root: Path, tested_on: str) -> None:
    """Write the three files into `root`; unfinished runs are included as far as they went."""
    atomic_write(root / "sweep.csv", table.to_csv(sweep, results))
    atomic_write(root / "sweep.md", table.to_markdown(sweep, results, tested_on=tested_on))
    atomic_write(root / "sweep.png", drawing.to_png(picture.draw(sweep, results)))


def print_table(sweep: Sweep, results: Sequence[Result], *, root: Path) -> None:
    """Print the first rows and main columns of the table, the best run in bold."""
    # No columns for fields: the names of the runs contain them.
    head, *cells = table.rows(sweep, results, fields=(), views=table.VIEWS[-1:])
    shown = Table(*[Column(name, no_wrap=index > 0) for index, name in enumerate(head)], box=None)
    for index, row in enumerate(cells[:MAX_SHOWN]):
        shown.add_row(*row, style="bold" if index == 0 else None)
    # Outside a terminal the table is not folded.
    console = text.console(None if sys.stdout.isatty() else 1000)
    console.print(shown)
    lines = [f"... and {len(cells) - MAX_SHOWN} more"] if len(cells) > MAX_SHOWN else []
    lines += [table.comparison_warning(sweep), table.selection_note(results)]
    lines += [f"table: {root / 'sweep.md'}, {root / 'sweep.csv'}, {root / 'sweep.png'}"]
    for line in filter(None, lines):
        console.print(line, soft_wrap=True)
