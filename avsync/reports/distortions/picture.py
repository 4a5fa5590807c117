"""The heat map: a row for each distortion, a column for each strength, a panel for each number."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from avsync.distortions.base import all_distortions
from avsync.evaluation.distorted import UNDISTORTED, Cell
from avsync.reports import drawing
from avsync.reports.text import readable

WIDTH_INCHES, ROW_INCHES, EXTRA_INCHES = 9.0, 0.23, 1.2


class Panel(NamedTuple):
    """A number of each cell, None if it was not measured; `low` to `high` spans the colours."""

    title: str
    number: Callable[[Cell], float | None]
    low: float
    high: float
    colours: str


# Dark is bad in every panel.
PANELS = (
    Panel("AUC", lambda cell: cell["auc"], 0.5, 1.0, "viridis"),
    Panel(
        "A/V offset within 1 frame",
        lambda cell: cell["offsets"]["within_1_frame"],
        0.0,
        1.0,
        "viridis",
    ),
    Panel("false alarms", lambda cell: cell["alarms"]["rate"], 0.0, 1.0, "viridis_r"),
)


def draw(cells: Sequence[Cell]) -> Figure:
    """The heat maps of all cells, weak strengths to the left; the undistorted clips on top."""
    rows: dict[str, list[Cell]] = {}
    for cell in cells:
        rows.setdefault(cell["distortion"], []).append(cell)
    height = ROW_INCHES * len(rows) + EXTRA_INCHES
    figure, axes = drawing.canvas(WIDTH_INCHES, height, num_rows=1, num_columns=len(PANELS))
    for panel, on in zip(PANELS, axes, strict=True):
        _draw_panel(on, panel, list(rows.values()))
    axes[0].set_yticks(range(len(rows)), [_label(row) for row in rows.values()])
    return figure


def _draw_panel(axes: Axes, panel: Panel, rows: Sequence[Sequence[Cell]]) -> None:
    num_columns = max(map(len, rows))
    values = np.full((len(rows), num_columns), np.nan)
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            number = panel.number(cell)
            values[y, x] = np.nan if number is None else number
    axes.imshow(values, vmin=panel.low, vmax=panel.high, cmap=panel.colours, aspect="auto")
    for y, row in enumerate(rows):
        for x in range(len(row)):
            value = values[y, x]
            share = (value - panel.low) / (panel.high - panel.low)
            is_light = share < 0.5 if panel.colours.endswith("_r") else share > 0.5
            shown = "n/a" if np.isnan(value) else f"{value:.2f}"
            colour = "black" if is_light or np.isnan(value) else "white"
            axes.text(x, y, shown, ha="center", va="center", fontsize=7, color=colour)
    for y in _first_rows(rows):
        axes.axhline(y - 0.5, color="white", linewidth=3)
    axes.set_title(panel.title, fontsize=9)
    axes.set_xticks(range(num_columns), [str(x + 1) for x in range(num_columns)])
    axes.set_xlabel("strength", fontsize=8)
    axes.set_yticks([])
    axes.tick_params(labelsize=7, length=0)
    axes.spines[:].set_visible(False)


def _first_rows(rows: Sequence[Sequence[Cell]]) -> list[int]:
    """The rows before which another stream begins."""
    known = all_distortions()
    streams = [
        "" if row[0]["distortion"] == UNDISTORTED else known[row[0]["distortion"]].stream
        for row in rows
    ]
    return [y for y in range(1, len(rows)) if streams[y] != streams[y - 1]]


def _label(row: Sequence[Cell]) -> str:
    name = row[0]["distortion"]
    if name == UNDISTORTED:
        return "undistorted"
    strengths = [f"{cell['strength']:g}" for cell in row]
    return f"{readable(name)} {', '.join(strengths)}"
