"""A picture of a shortcut: how reals and fakes have it."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from avsync.audits.findings import Audit, Finding
from avsync.reports import drawing
from avsync.reports.audit import wording

MAX_CATEGORIES = 8

WIDTH_INCHES, PANEL_INCHES = drawing.PHONE_INCHES, 1.9


def draw_finding(audited: Audit, finding: Finding) -> Figure:
    """The numbers of the clips, by view if trimming changes them; or the shares of categories."""
    if finding.kind == "category":
        figure, (axes,) = drawing.canvas(WIDTH_INCHES, 2.8, num_rows=1, num_columns=1)
        _draw_categories(axes, finding)
        return figure
    original, trimmed = finding.scores.values()
    views = dict(finding.scores)
    if np.array_equal(original, trimmed, equal_nan=True):
        views = {"original and trimmed": original}
    figure, panels = drawing.canvas(
        WIDTH_INCHES, PANEL_INCHES * len(views) + 0.3, num_rows=len(views), num_columns=1
    )
    bins = drawing.bins(np.concatenate([of[np.isfinite(of)] for of in views.values()]))
    for axes, (view, scores) in zip(panels, views.items(), strict=True):
        for label, of_class in (("real", ~audited.is_fake), ("fake", audited.is_fake)):
            values = scores[of_class & np.isfinite(scores)]
            drawing.draw_shares(axes, values, bins=bins, label=label)
        axes.set_title(view, fontsize=9)
        axes.set_xlim(bins[0], bins[-1])
        axes.tick_params(labelsize=8)
    highest = max(axes.get_ylim()[1] for axes in panels)
    for axes in panels:
        axes.set_ylim(0, highest)
    panels[-1].set_xlabel(_axis(finding), fontsize=9)
    panels[0].set_ylabel("share of clips", fontsize=9)
    panels[0].legend(fontsize=8)
    return figure


def _draw_categories(axes: Axes, finding: Finding) -> None:
    shown = list(finding.categories.items())[:MAX_CATEGORIES]
    totals = np.maximum(np.sum(list(finding.categories.values()), axis=0), 1)
    places = np.arange(len(shown))
    for index, label in enumerate(("real", "fake")):
        shares = [counts[index] / totals[index] for _, counts in shown]
        axes.barh(
            places + 0.4 * index, shares, height=0.4, color=drawing.COLOURS[label], label=label
        )
    axes.set_yticks(places + 0.2, [name for name, _ in shown])
    axes.invert_yaxis()
    axes.set_xlabel("share of clips")
    axes.legend(fontsize=8)


def _axis(finding: Finding) -> str:
    if finding.kind == "vector":
        return "score of the probe"
    unit = f" ({finding.shortcut.unit})" if finding.shortcut.unit else ""
    return f"{wording.readable(finding.name)}{unit}"
