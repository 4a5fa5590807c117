"""How well scores rank, and how they are distributed, in pictures."""

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
from avsync.reports.evaluation.wording import readable

SCORE_COLOURS = drawing.PALETTE

UNITS = {"leading_silence": "seconds", "duration": "seconds", "alignment": "nats"}

PANEL_INCHES = 1.9

Views = Mapping[str, Sequence[Line]]


class Panel(NamedTuple):
    """What a histogram shows."""

    title: str
    values: Float[np.ndarray, " n"]
    is_fake: Bool[np.ndarray, " n"]


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
            false_alarms, hits = [], []
            if result["auc"] is not None:
                false_alarms, hits, _ = roc_curve(is_fake, values)
            colour = SCORE_COLOURS[index % len(SCORE_COLOURS)]
            dashes, width = ("-", 2.2) if view == "trimmed" else ("--", 1.2)
            axes.plot(false_alarms, hits, dashes, linewidth=width, color=colour, label=label)
    # Last, so that a score at chance does not hide what it is at.
    axes.plot([0, 1], [0, 1], color="black", linewidth=1, linestyle=":", label="chance: AUC 0.500")
    # A little more than [0, 1]: a perfect curve would vanish behind the frame.
    axes.set(xlim=(-0.015, 1.015), ylim=(-0.015, 1.015), aspect="equal")
    axes.set_xlabel("false alarms: share of reals called fake", fontsize=9)
    axes.set_ylabel("hits: share of fakes called fake", fontsize=9)
    axes.set_title(f"{_title(metrics)}\n{_sizes(views)}", fontsize=9)
    # Below, not inside: curves near chance cross every corner.
    figure.legend(loc="outside lower center", fontsize=8, frameon=False)
    return figure


def draw_scores(views: Views, metrics: Metrics) -> Figure:
    """How the drawn scores are distributed over reals and fakes: a row a score, a column a view."""
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
            below.set_xlabel(f"{readable(score)}{_unit(score)}")
    return figure


def draw_score(views: Views, score: str) -> Figure:
    """How a score is distributed over reals and fakes: a row a view."""
    return _stacked(_by_view(views, score), score)


def draw_categories(clips: Sequence[Line], score: str) -> Figure:
    """How a score is distributed over reals and each category of fakes: a row a category."""
    panels = []
    for category in results.known_kinds(clips, "category"):
        shown = [clip for clip in clips if results.kind_of(clip, "category") in (None, category)]
        panels.append(_panel(category, shown, score))
    return _stacked(panels, score)


def _stacked(panels: Sequence[Panel], score: str) -> Figure:
    figure, axes = drawing.canvas(
        drawing.PHONE_INCHES, PANEL_INCHES * len(panels), num_rows=len(panels), num_columns=1
    )
    _draw_panels(axes, panels, score)
    axes[-1].set_xlabel(f"{readable(score)}{_unit(score)}", fontsize=9)
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
    num_fake = sum(clip["label"] for clip in clips)
    return f"{len(clips) - num_fake} real, {num_fake} fake clips"


def _unit(score: str) -> str:
    return f" ({UNITS[score]})" if score in UNITS else ""
