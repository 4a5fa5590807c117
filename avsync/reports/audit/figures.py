"""Figures of one shortcut: its distribution over real and over fake clips."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from avsync import names
from avsync.audits.results import Audit, ShortcutResult
from avsync.reports import drawing
from avsync.reports.audit import wording

# A longer name of a category leaves no room for its bars.
MAX_LABEL_CHARACTERS = 30

MAX_CATEGORIES = 8

WIDTH_INCHES, PANEL_INCHES = drawing.PHONE_INCHES, 1.9


def draw_result(audited: Audit, result: ShortcutResult) -> Figure:
    """Histograms, one panel per view if trimming changes the values; or shares by category."""
    if result.kind == "category":
        figure, (axes,) = drawing.canvas(WIDTH_INCHES, 2.8, num_rows=1, num_columns=1)
        _draw_categories(axes, result)
        return figure
    original, trimmed = result.scores.values()
    views = dict(result.scores)
    if np.array_equal(original, trimmed, equal_nan=True):
        views = {"original and trimmed": original}
    figure, panels = drawing.canvas(
        WIDTH_INCHES, PANEL_INCHES * len(views) + 0.3, num_rows=len(views), num_columns=1
    )
    bins = drawing.bins(np.concatenate([scores[np.isfinite(scores)] for scores in views.values()]))
    for axes, (view, scores) in zip(panels, views.items(), strict=True):
        for label, in_class in (("real", ~audited.is_fake), ("fake", audited.is_fake)):
            values = scores[in_class & np.isfinite(scores)]
            drawing.draw_shares(axes, values, bins=bins, label=label)
        axes.set_title(view, fontsize=9)
        axes.set_xlim(bins[0], bins[-1])
        axes.tick_params(labelsize=8)
    highest = max(axes.get_ylim()[1] for axes in panels)
    for axes in panels:
        axes.set_ylim(0, highest)
    panels[-1].set_xlabel(_axis_label(result), fontsize=9)
    panels[0].set_ylabel("share of clips", fontsize=9)
    panels[0].legend(fontsize=8)
    return figure


def _draw_categories(axes: Axes, result: ShortcutResult) -> None:
    shown = list(result.categories.items())[:MAX_CATEGORIES]
    totals = np.maximum(np.sum(list(result.categories.values()), axis=0), 1)
    positions = np.arange(len(shown))
    for index, label in enumerate(("real", "fake")):
        shares = [counts[index] / totals[index] for _, counts in shown]
        axes.barh(
            positions + 0.4 * index, shares, height=0.4, color=drawing.COLOURS[label], label=label
        )
    axes.set_yticks(
        positions + 0.2,
        [names.shown(name, max_characters=MAX_LABEL_CHARACTERS) for name, _ in shown],
    )
    axes.invert_yaxis()
    axes.set_xlabel("share of clips")
    axes.legend(fontsize=8)


def _axis_label(result: ShortcutResult) -> str:
    if result.kind == "vector":
        return "probe score"
    unit = f" ({result.shortcut.unit})" if result.shortcut.unit else ""
    return f"{wording.readable(result.name)}{unit}"
