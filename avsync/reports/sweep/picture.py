"""A sweep at a glance: what each swept field does to the validation loss, and what the test says.

In every panel the best run by validation is orange and larger, and a run whose loss is far above
the others a triangle at the edge.
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

# Numbers that span more are drawn on a logarithmic axis.
LOG_SPAN = 20.0

# The axis of losses ends at so many times the distance from the best to the median: beyond are runs
# that diverged, which would press all others into a line.
MAX_MEDIANS = 8.0

# With more runs, intervals would hide one another.
MAX_INTERVALS = 20

# Of a column of dots with the same value, as a share of the distance between values.
COLUMN_WIDTH = 0.5

# So few values have each its own tick, if they stand apart by this share of the axis.
MAX_TICKS, MIN_APART = 6, 0.1


def draw(sweep: Sweep, results: Sequence[Result]) -> Figure:
    """Validation loss over each field with several values; then test AUC over validation loss.

    `results` are sorted as `read_results` does it. Runs that are not done are counted in the title.
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
    more = f", {left_out} failed or unfinished left out" if left_out else ""
    figure.suptitle(f"{sweep.config}: {len(shown)} runs{more}", fontsize=10)
    for panel in axes[max(len(fields) + bool(tested), 0) :]:
        panel.set_axis_off()
    for panel, field in zip(axes, fields, strict=False):
        _draw_field(panel, shown, field, sweep=sweep)
    if tested:
        _draw_test(axes[len(fields)], tested)
    _explain(figure, shown)
    return figure


def _explain(figure: Figure, shown: Sequence[Result]) -> None:
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
    places = _place(axes, [sweep.value(result.run, field) for result in shown])
    losses = _losses(shown)
    top = _top(losses)
    _draw_dots(axes, places, np.minimum(losses, top), is_beyond=losses > top)
    axes.set_xlabel(field, fontsize=9)
    axes.set_ylabel(LOSS, fontsize=9)
    axes.tick_params(labelsize=8)


def _draw_test(axes: Axes, tested: Sequence[Result]) -> None:
    losses = _losses(tested)
    top = _top(losses)
    aucs = [result.test[VIEW] for result in tested]
    places = np.minimum(losses, top)
    if len(tested) <= MAX_INTERVALS:
        for place, auc in zip(places, aucs, strict=True):
            if auc.low is not None and auc.high is not None:
                axes.plot([place, place], [auc.low, auc.high], color="0.7", linewidth=1, zorder=1)
    _draw_dots(axes, places, np.array([auc.value for auc in aucs]), is_beyond=losses > top)
    axes.set_xlabel(LOSS, fontsize=9)
    axes.set_ylabel(f"test AUC, {VIEW}\n(nothing is chosen by it)", fontsize=9)
    axes.tick_params(labelsize=8)


def _draw_dots(
    axes: Axes,
    places: Float[np.ndarray, " n"],
    heights: Float[np.ndarray, " n"],
    *,
    is_beyond: Bool[np.ndarray, " n"],
) -> None:
    """The first of them is the best run."""
    size = float(np.clip(600 / len(places), 12, 45))
    for marker, chosen in (("o", ~is_beyond), ("^", is_beyond)):
        axes.scatter(
            places[chosen],
            heights[chosen],
            s=size,
            marker=marker,
            color=COLOUR,
            alpha=0.9 if len(places) <= MAX_INTERVALS else 0.5,
            linewidths=0,
            zorder=2,
        )
    axes.scatter(
        places[:1],
        heights[:1],
        s=1.8 * size,
        color=BEST_COLOUR,
        edgecolors="white",
        linewidths=0.8,
        zorder=3,
    )


def _place(axes: Axes, values: Sequence[Any]) -> Float[np.ndarray, " n"]:
    """Where on the horizontal axis each value stands; sets its scale and ticks."""
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
    # Multiples of the golden ratio spread evenly however many they are.
    spread = (np.arange(len(values)) * 0.618 + 0.5) % 1 - 0.5
    return np.array([names.index(str(value)) for value in values]) + COLUMN_WIDTH * spread


def _tick_values(axes: Axes, values: Float[np.ndarray, " n"]) -> None:
    places = np.log(values) if axes.get_xscale() == "log" else values
    span = np.ptp(places) or 1.0
    if len(values) <= MAX_TICKS and np.all(np.diff(places) >= MIN_APART * span):
        axes.set_xticks(values, [f"{value:g}" for value in values])
        axes.set_xticks([], minor=True)


def _values(sweep: Sweep, shown: Sequence[Result], field: str) -> set[str]:
    return {str(sweep.value(result.run, field)) for result in shown}


def _losses(shown: Sequence[Result]) -> Float[np.ndarray, " n"]:
    return np.array([result.loss for result in shown], float)


def _top(losses: Float[np.ndarray, " n"]) -> float:
    """Where the axis of losses ends."""
    smallest, median = float(losses.min()), float(np.median(losses))
    return smallest + MAX_MEDIANS * (median - smallest) or smallest
