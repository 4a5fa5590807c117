"""The files of a grid of distortions: distortions.png and distortions.html, and the terminal."""

from collections.abc import Sequence
from pathlib import Path

from avsync.evaluation.distorted import Cell, summarise
from avsync.evaluation.lines import Metrics
from avsync.files import atomic_write
from avsync.reports import drawing, text
from avsync.reports.distortions import page, picture

PICTURE, PAGE = "distortions.png", "distortions.html"


def write_report(cells: Sequence[Cell], out_dir: Path) -> Metrics:
    """Writes both files, each complete or absent; returns the summary of the cells."""
    summary = summarise(cells)
    png = drawing.to_png(picture.draw(cells))
    atomic_write(out_dir / PICTURE, png)
    atomic_write(out_dir / PAGE, page.render(cells, summary, png=png))
    return summary


def print_table(summary: Metrics) -> None:
    """Prints the undistorted AUC, the means over the cells, and the worst cell."""
    table = text.terminal_table("Distortions", "clips", "AUC")
    table.add_row("undistorted", page.auc(summary["undistorted"]))
    for name, mean in summary["mean_auc"].items():
        table.add_row(f"mean over {name} cells", "n/a" if mean is None else f"{mean:.3f}")
    if summary["worst"]:
        table.add_row(f"worst: {page.cell_name(summary['worst'])}", page.auc(summary["worst"]))
    text.console().print(table)
