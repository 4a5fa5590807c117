"""The two pictures of an evaluation."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import roc_curve

from avsync.evaluation import wording
from avsync.evaluation.lines import Line, Metrics, score_names, scored
from avsync.evaluation.wording import readable
from avsync.reporting import drawing

SCORE_COLOURS = drawing.PALETTE

UNITS = {"leading_silence": "seconds", "alignment": "nats"}

Views = Mapping[str, Sequence[Line]]

# What tells nothing by its distribution that another score does not.
VARIANTS = (
    "alignment_logit",
    "alignment_nll",
    "alignment_resynced",
    "cosine_low_percentile",
    "cosine_max_shift",
    "duration",
)


def draw_roc(views: Views, metrics: Metrics) -> Figure:
    """The ROC curve of every score: original thin and dashed, trimmed thick and solid."""
    scores = score_names(views)
    num_curves = len(scores) * len(views) + 1
    figure, (axes,) = drawing.canvas(5.4, 5.7 + 0.18 * num_curves, num_rows=1, num_columns=1)
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
    axes.set_xlabel("false alarms: share of reals called fake")
    axes.set_ylabel("hits: share of fakes called fake")
    axes.set_title(f"{_title(metrics)}\n{_sizes(views)}", fontsize=10)
    # Below, not inside: curves near chance cross every corner.
    figure.legend(loc="outside lower center", fontsize=8, frameon=False)
    return figure


def draw_scores(views: Views, metrics: Metrics) -> Figure:
    """How scores are distributed over reals and over fakes: a row a score, a column a view.

    All but those of `VARIANTS`, where there are others.
    """
    names = score_names(views)
    scores = [name for name in names if name not in VARIANTS] or names
    figure, all_axes = drawing.canvas(
        3.6 * len(views) + 0.4,
        2.5 * len(scores) + 0.3,
        num_rows=len(scores),
        num_columns=len(views),
    )
    figure.suptitle(_title(metrics), fontsize=10)
    panels = iter(all_axes)
    for score in scores:
        by_view = {view: scored(clips, score) for view, clips in views.items()}
        bins = drawing.bins(np.concatenate([values for values, _, _ in by_view.values()]))
        row = []
        for view, (values, is_fake, num_unscored) in by_view.items():
            axes = next(panels)
            row.append(axes)
            drawing.draw_shares(axes, values[~is_fake], bins=bins, label="real")
            drawing.draw_shares(axes, values[is_fake], bins=bins, label="fake")
            unscored = f", {num_unscored} unscored" if num_unscored else ""
            axes.set_title(
                f"{readable(score)}, {view}\n"
                f"n = {np.sum(~is_fake)} real, {np.sum(is_fake)} fake{unscored}",
                fontsize=9,
            )
            axes.set_xlabel(f"{readable(score)}{_unit(score)}")
        row[0].set_ylabel("share of clips")
        row[0].legend(fontsize=8)
        highest = max(axes.get_ylim()[1] for axes in row)
        for axes in row:
            axes.set(xlim=(bins[0], bins[-1]), ylim=(0, highest))
    return figure


def _title(metrics: Metrics) -> str:
    return f"{metrics['dataset']}, {metrics['split']} split"


def _sizes(views: Views) -> str:
    clips = next(reversed(list(views.values())))
    num_fake = sum(clip["label"] for clip in clips)
    return f"{len(clips) - num_fake} real, {num_fake} fake clips"


def _unit(score: str) -> str:
    return f" ({UNITS[score]})" if score in UNITS else ""
