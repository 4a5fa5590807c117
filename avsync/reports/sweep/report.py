"""What a sweep ends with: sweep.csv, sweep.md and sweep.png, and a table on the screen."""

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Column, Table

from avsync.files import atomic_write
from avsync.reports import drawing
from avsync.reports.sweep import picture, table
from avsync.sweeps.commands import Evaluation
from avsync.sweeps.plan import Sweep
from avsync.sweeps.results import Result, read_results

# Of the table in the terminal; all are in the files.
MAX_SHOWN = 20


def conclude(sweep: Sweep, root: Path, *, evaluation: Evaluation) -> list[Result]:
    """Writes and prints the table of what there is."""
    results = read_results(sweep, root, evaluation=evaluation)
    tested_on = "; ".join(sorted({evaluation.of(sweep, run) for run in sweep.runs} - {""}))
    write_report(sweep, results, root=root, tested_on=tested_on)
    print_table(sweep, results, root=root)
    return results


def write_report(sweep: Sweep, results: Sequence[Result], *, root: Path, tested_on: str) -> None:
    """Writes the three files into `root`; of runs that are not done there is what is known."""
    atomic_write(root / "sweep.csv", table.to_csv(sweep, results))
    atomic_write(root / "sweep.md", table.to_markdown(sweep, results, tested_on=tested_on))
    atomic_write(root / "sweep.png", drawing.to_png(picture.draw(sweep, results)))


def print_table(sweep: Sweep, results: Sequence[Result], *, root: Path) -> None:
    """The first rows of the table and its main columns, the best run in bold."""
    # The names of the runs say what was changed.
    head, *cells = table.rows(sweep, results, fields=(), views=table.VIEWS[-1:])
    shown = Table(*[Column(name, no_wrap=index > 0) for index, name in enumerate(head)], box=None)
    for index, row in enumerate(cells[:MAX_SHOWN]):
        shown.add_row(*row, style="bold" if index == 0 else None)
    # Where nobody's terminal is the measure, as wide as it needs to be.
    Console(width=None if sys.stdout.isatty() else 1000).print(shown)
    if len(cells) > MAX_SHOWN:
        print(f"... and {len(cells) - MAX_SHOWN} more")
    for line in (table.caution_of(sweep), table.note_on(results)):
        if line:
            print(line)
    print(f"table: {root / 'sweep.md'}, {root / 'sweep.csv'}, {root / 'sweep.png'}")
