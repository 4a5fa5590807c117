"""Figures of whole scores: the overview, ROC curves, and distributions over real and fake clips."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import roc_curve

from avsync.evaluation import results
from avsync.evaluation.lines import Line, Metrics, scored
from avsync.reports import drawing
from avsync.reports.evaluation import selection, wording
from avsync.reports.text import capitalised, readable

SCORE_COLOURS = drawing.PALETTE

UNITS = {"leading_silence": "seconds", "duration": "seconds", "alignment": "nats"}

PANEL_INCHES = 1.9

# The overview: the width of one panel, and the share of a row that its highest bar fills.
OVERVIEW_PANEL_INCHES, OVERVIEW_ROW_INCHES = 4.2, 1.35
BAR_SHARE = 0.72

Views = Mapping[str, Sequence[Line]]


class Panel(NamedTuple):
    """The content of one histogram."""

    title: str
    values: Float[np.ndarray, " n"]
    is_fake: Bool[np.ndarray, " n"]


def draw_overview(views: Views, metrics: Metrics) -> Figure:
    """The headline as a figure: one panel per headline score, one row per view with its AUC."""
    scores = wording.headline_scores(metrics)
    figure, panels = drawing.canvas(
        OVERVIEW_PANEL_INCHES * len(scores),
        OVERVIEW_ROW_INCHES * len(views) + 1.7,
        num_rows=1,
        num_columns=len(scores),
    )
    for axes, score in zip(panels, scores, strict=True):
        _draw_rows(axes, views, metrics, score)
    clauses = wording.headline(metrics).split("; ")
    figure.suptitle(";\n".join(clauses), fontsize=11, fontweight="bold")
    handles, labels = panels[0].get_legend_handles_labels()
    by_label = dict(zip(labels, handles, strict=True))
    figure.legend(
        list(by_label.values()),
        [f"{label} clips" for label in by_label],
        title=f"{_title(metrics)}: {_sizes(views)}",
        loc="outside lower center",
        fontsize=9,
        title_fontsize=8.5,
        frameon=False,
        ncols=len(by_label),
    )
    return figure


def draw_roc(views: Views, metrics: Metrics) -> Figure:
    """The ROC curves of the drawn scores: original thin and dashed, trimmed thick and solid."""
    scores = selection.drawn_scores(metrics)
    side, num_curves = drawing.PHONE_INCHES, len(scores) * len(views) + 1
    figure, (axes,) = drawing.canvas(side, side + 0.18 * num_curves, num_rows=1, num_columns=1)
    for index, score in enumerate(scores):
        for view, clips in views.items():
            values, is_fake, _ = scored(clips, score)
            result = metrics["views"][view][score]
            label = f"{readable(score)}, {view}: AUC {wording.estimate(result, 'auc')}"
            false_positives, true_positives = [], []
            if result["auc"] is not None:
                false_positives, true_positives, _ = roc_curve(is_fake, values)
            colour = SCORE_COLOURS[index % len(SCORE_COLOURS)]
            dashes, width = ("-", 2.2) if view == "trimmed" else ("--", 1.2)
            axes.plot(
                false_positives, true_positives, dashes, linewidth=width, color=colour, label=label
            )
    # Last, so that a score at chance does not hide it.
    axes.plot([0, 1], [0, 1], color="black", linewidth=1, linestyle=":", label="chance: AUC 0.500")
    # A little more than [0, 1]: a perfect curve would vanish behind the frame.
    axes.set(xlim=(-0.015, 1.015), ylim=(-0.015, 1.015), aspect="equal")
    axes.set_xlabel("false-positive rate (real clips called fake)", fontsize=9)
    axes.set_ylabel("true-positive rate (fakes detected)", fontsize=9)
    axes.set_title(f"{_title(metrics)}\n{_sizes(views)}", fontsize=9)
    # Below, not inside: curves near chance cross every corner.
    figure.legend(loc="outside lower center", fontsize=8, frameon=False)
    return figure


def draw_scores(views: Views, metrics: Metrics) -> Figure:
    """The distributions of the drawn scores: a row per score, a column per view."""
    scores = selection.drawn_scores(metrics)
    figure, all_axes = drawing.canvas(
        3.6 * len(views) + 0.4,
        2.5 * len(scores) + 0.3,
        num_rows=len(scores),
        num_columns=len(views),
    )
    figure.suptitle(_title(metrics), fontsize=10)
    for row, score in enumerate(scores):
        axes = all_axes[row * len(views) : (row + 1) * len(views)]
        _draw_panels(axes, _by_view(views, score), score)
        for below in axes:
            below.set_xlabel(_axis_label(score), fontsize=9)
    return figure


def draw_score(views: Views, score: str) -> Figure:
    """The distribution of a score over real and fake clips: a row per view."""
    return _stacked(_by_view(views, score), score)


def draw_categories(clips: Sequence[Line], score: str) -> Figure:
    """The distribution of a score over real clips and fakes: a row per category of fakes."""
    panels = []
    for category in results.known_kinds(clips, "category"):
        shown = [clip for clip in clips if results.kind_of(clip, "category") in (None, category)]
        panels.append(_panel(category, shown, score))
    return _stacked(panels, score)


def _draw_rows(axes: Axes, views: Views, metrics: Metrics, score: str) -> None:
    """Histograms of a score, one view above the other, on one scale of heights."""
    values = {view: scored(clips, score) for view, clips in views.items()}
    bins = np.array(drawing.bins(np.concatenate([found.scores for found in values.values()])))
    heights: dict[tuple[str, str], Float[np.ndarray, " bins"]] = {}
    for view, (scores, is_fake, _) in values.items():
        for label, of_class in (("real", ~is_fake), ("fake", is_fake)):
            counts, _ = np.histogram(scores[of_class], bins)
            heights[view, label] = counts / max(of_class.sum(), 1)
    scale = BAR_SHARE / max([height.max() for height in heights.values()] + [1e-9])
    bases = {view: float(len(views) - 1 - row) for row, view in enumerate(views)}
    for (view, label), height in heights.items():
        base, colour = bases[view], drawing.COLOURS[label]
        top = base + scale * height
        axes.stairs(top, bins, baseline=base, fill=True, color=colour, alpha=0.35, label=label)
        axes.stairs(top, bins, baseline=base, color=colour, linewidth=1.4)
    for view, base in bases.items():
        auc = wording.estimate(metrics["views"][view][score], "auc")
        axes.axhline(base, color="0.6", linewidth=0.8)
        axes.annotate(
            f"AUC {auc}", (1, base + 0.86), xycoords=("axes fraction", "data"), ha="right",
            va="center", fontsize=9.5, fontweight="bold",
        )  # fmt: skip
    axes.set_yticks([base + 0.35 for base in bases.values()], list(bases), fontsize=9)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=8)
    axes.spines["left"].set_visible(False)
    axes.set(xlim=(bins[0], bins[-1]), ylim=(-0.04, len(views)))
    axes.set_xlabel(_axis_label(score), fontsize=9)
    axes.set_title(capitalised(score), fontsize=10)


def _stacked(panels: Sequence[Panel], score: str) -> Figure:
    figure, axes = drawing.canvas(
        drawing.PHONE_INCHES, PANEL_INCHES * len(panels), num_rows=len(panels), num_columns=1
    )
    _draw_panels(axes, panels, score)
    axes[-1].set_xlabel(_axis_label(score), fontsize=9)
    return figure


def _draw_panels(all_axes: Sequence[Axes], panels: Sequence[Panel], score: str) -> None:
    """Histograms with the same axes; the first has the legend."""
    bins = drawing.bins(np.concatenate([panel.values for panel in panels]))
    for axes, (title, values, is_fake) in zip(all_axes, panels, strict=True):
        drawing.draw_shares(axes, values[~is_fake], bins=bins, label="real")
        drawing.draw_shares(axes, values[is_fake], bins=bins, label="fake")
        axes.set_title(title, fontsize=9)
        axes.tick_params(labelsize=8)
    all_axes[0].set_ylabel("share of clips", fontsize=9)
    all_axes[0].legend(fontsize=8)
    highest = max(axes.get_ylim()[1] for axes in all_axes)
    for axes in all_axes:
        axes.set(xlim=(bins[0], bins[-1]), ylim=(0, highest))


def _by_view(views: Views, score: str) -> list[Panel]:
    return [_panel(f"{readable(score)}, {view}", clips, score) for view, clips in views.items()]


def _panel(title: str, clips: Sequence[Line], score: str) -> Panel:
    values, is_fake, num_unscored = scored(clips, score)
    unscored = f", {num_unscored} unscored" if num_unscored else ""
    counts = f"n = {np.sum(~is_fake)} real, {np.sum(is_fake)} fake{unscored}"
    return Panel(f"{title}\n{counts}", values, is_fake)


def _title(metrics: Metrics) -> str:
    return f"{metrics['dataset']}, {metrics['split']} split"


def _sizes(views: Views) -> str:
    clips = next(reversed(list(views.values())))
    num_fake = sum(not clip.is_real for clip in clips)
    return f"{len(clips) - num_fake} real, {num_fake} fake clips"


def _axis_label(score: str) -> str:
    return f"{readable(score)} ({UNITS[score]})" if score in UNITS else readable(score)
