"""The figure of a sweep: validation loss over each swept field, and test AUC over validation loss.

In every panel the best run by validation is a larger orange dot, and a run whose loss is far above
the others is a triangle at the edge.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from avsync.reports import drawing
from avsync.sweeps.plan import Sweep
from avsync.sweeps.results import Result, is_ranked

NUM_COLUMNS = 2
PANEL_INCHES = 3.0

COLOUR, BEST_COLOUR = drawing.PALETTE[0], drawing.PALETTE[1]
VIEW = "trimmed"

LOSS = "validation loss (nats)"

# The axis is logarithmic if the largest number is at least this many times the smallest.
LOG_SPAN = 20.0

# The loss axis ends this many times the distance from best to median above the best: runs that
# diverged lie beyond it and would compress all others into a line.
MAX_MEDIANS = 8.0

# With more runs, intervals would overlap too much.
MAX_INTERVALS = 20

# Width over which dots of the same value are spread, as a share of the distance between values.
COLUMN_WIDTH = 0.5

# Up to this many values get a tick each, if they are this share of the axis apart.
MAX_TICKS, MIN_APART = 6, 0.1


def draw(sweep: Sweep, results: Sequence[Result]) -> Figure:
    """Draw validation loss over each field with several values, then test AUC over validation loss.

    `results` are in the order of `read_results`. Runs that are not done are counted in the title.
    """
    shown = [result for result in results if is_ranked(result)]
    fields = [field for field in sweep.swept if len(_values(sweep, shown, field)) > 1]
    tested = [result for result in shown if VIEW in result.test]
    num_panels = max(len(fields) + bool(tested), 1)
    num_columns = min(num_panels, NUM_COLUMNS)
    num_rows = math.ceil(num_panels / num_columns)
    figure, axes = drawing.canvas(
        drawing.PHONE_INCHES * num_columns,
        PANEL_INCHES * num_rows,
        num_rows=num_rows,
        num_columns=num_columns,
    )
    left_out = len(results) - len(shown)
    more = f" ({left_out} failed or unfinished runs not shown)" if left_out else ""
    figure.suptitle(f"{sweep.config}: {len(shown)} runs{more}", fontsize=10)
    for panel in axes[max(len(fields) + bool(tested), 0) :]:
        panel.set_axis_off()
    for panel, field in zip(axes, fields, strict=False):
        _draw_field(panel, shown, field, sweep=sweep)
    if tested:
        _draw_test(axes[len(fields)], tested)
    _add_legend(figure, shown)
    return figure


def _add_legend(figure: Figure, shown: Sequence[Result]) -> None:
    marks = [
        Line2D([], [], color=BEST_COLOUR, marker="o", linestyle="", label="best by validation")
    ]
    losses = _losses(shown)
    if shown and losses.max() > _top(losses):
        label = "loss beyond the axis"
        marks.append(Line2D([], [], color=COLOUR, marker="^", linestyle="", label=label))
    figure.legend(
        handles=marks if shown else [],
        loc="outside lower center",
        ncols=len(marks),
        fontsize=8,
        frameon=False,
    )


def _draw_field(axes: Axes, shown: Sequence[Result], field: str, *, sweep: Sweep) -> None:
    positions = _positions(axes, [sweep.value(result.run, field) for result in shown])
    losses = _losses(shown)
    top = _top(losses)
    _draw_dots(axes, positions, np.minimum(losses, top), is_beyond=losses > top)
    axes.set_xlabel(field, fontsize=9)
    axes.set_ylabel(LOSS, fontsize=9)
    axes.tick_params(labelsize=8)


def _draw_test(axes: Axes, tested: Sequence[Result]) -> None:
    losses = _losses(tested)
    top = _top(losses)
    aucs = [result.test[VIEW] for result in tested]
    positions = np.minimum(losses, top)
    if len(tested) <= MAX_INTERVALS:
        for position, auc in zip(positions, aucs, strict=True):
            if auc.low is not None and auc.high is not None:
                axes.plot(
                    [position, position], [auc.low, auc.high], color="0.7", linewidth=1, zorder=1
                )
    _draw_dots(axes, positions, np.array([auc.value for auc in aucs]), is_beyond=losses > top)
    axes.set_xlabel(LOSS, fontsize=9)
    axes.set_ylabel(f"test AUC, {VIEW}\n(not used for selection)", fontsize=9)
    axes.tick_params(labelsize=8)


def _draw_dots(
    axes: Axes,
    positions: Float[np.ndarray, " n"],
    heights: Float[np.ndarray, " n"],
    *,
    is_beyond: Bool[np.ndarray, " n"],
) -> None:
    """Draw one dot per run; the first one is the best run."""
    size = float(np.clip(600 / len(positions), 12, 45))
    for marker, chosen in (("o", ~is_beyond), ("^", is_beyond)):
        axes.scatter(
            positions[chosen],
            heights[chosen],
            s=size,
            marker=marker,
            color=COLOUR,
            alpha=0.9 if len(positions) <= MAX_INTERVALS else 0.5,
            linewidths=0,
            zorder=2,
        )
    axes.scatter(
        positions[:1],
        heights[:1],
        s=1.8 * size,
        color=BEST_COLOUR,
        edgecolors="white",
        linewidths=0.8,
        zorder=3,
    )


def _positions(axes: Axes, values: Sequence[Any]) -> Float[np.ndarray, " n"]:
    """Return the position of each value on the horizontal axis; set its scale and ticks."""
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        numbers = np.array(values, float)
        if numbers.min() > 0 and numbers.max() >= LOG_SPAN * numbers.min():
            axes.set_xscale("log")
        elif all(isinstance(value, int) for value in values):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        _tick_values(axes, np.unique(numbers))
        return numbers
    names = sorted({str(value) for value in values})
    axes.set_xticks(range(len(names)), names)
    axes.set_xlim(-0.6, len(names) - 0.4)
    # Multiples of the golden ratio spread evenly, whatever their number.
    spread = (np.arange(len(values)) * 0.618 + 0.5) % 1 - 0.5
    return np.array([names.index(str(value)) for value in values]) + COLUMN_WIDTH * spread


def _tick_values(axes: Axes, values: Float[np.ndarray, " n"]) -> None:
    positions = np.log(values) if axes.get_xscale() == "log" else values
    span = np.ptp(positions) or 1.0
    if len(values) <= MAX_TICKS and np.all(np.diff(positions) >= MIN_APART * span):
        axes.set_xticks(values, [f"{value:g}" for value in values])
        axes.set_xticks([], minor=True)


def _values(sweep: Sweep, shown: Sequence[Result], field: str) -> set[str]:
    return {str(sweep.value(result.run, field)) for result in shown}


def _losses(shown: Sequence[Result]) -> Float[np.ndarray, " n"]:
    return np.array([result.loss for result in shown], float)


def _top(losses: Float[np.ndarray, " n"]) -> float:
    """Return the end of the loss axis."""
    smallest, median = float(losses.min()), float(np.median(losses))
    return smallest + MAX_MEDIANS * (median - smallest) or smallest
