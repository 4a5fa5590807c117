"""Whether a score grows with the length of a clip: each pooling against length, over the reals."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from avsync.evaluation.lines import Line, Metrics, is_scored
from avsync.reports import drawing
from avsync.reports.evaluation import selection, wording
from avsync.types import REAL
from avsync.units import FRAMES_PER_SECOND

NUM_COLUMNS, ROW_INCHES = 2, 1.8

# The black line goes through the medians of so many groups of equally many clips, by length.
NUM_GROUPS = 5


def draw(clips: Sequence[Line], poolings: Metrics) -> Figure:
    """A panel a pooling: the reals, and the median score of shorter and of longer ones.

    `poolings` is what `pooled` found of these clips. Of many reals a part, as
    `selection.spread_out` has it; the medians are of all.
    """
    reals = sorted(of_reals(clips), key=lambda clip: clip["num_frames"])
    drawn = selection.spread_out(reals, kinds=[REAL] * len(reals))
    groups = [group.tolist() for group in np.array_split(np.array(reals, object), NUM_GROUPS)]
    num_rows = -(-len(poolings) // NUM_COLUMNS)
    figure, panels = drawing.canvas(
        drawing.PHONE_INCHES, ROW_INCHES * num_rows, num_rows=num_rows, num_columns=NUM_COLUMNS
    )
    for axes, (name, found) in zip(panels, poolings.items(), strict=False):
        axes.plot(
            *_seconds_and_scores(drawn, name), "o", color=drawing.COLOURS["real"], fillstyle="none",
            markersize=3, alpha=0.6,
        )  # fmt: skip
        medians = [np.median(_seconds_and_scores(group, name), axis=1) for group in groups if group]
        axes.plot(*np.transpose(medians), "s-", color="black", markersize=3.5, linewidth=1.2)
        correlation = wording.correlation(found["length_correlation"])
        axes.set_title(f"{wording.readable(name)}: {correlation}", fontsize=8.5)
        axes.tick_params(labelsize=7.5)
    for axes in panels[len(poolings) :]:
        axes.set_axis_off()
    figure.supxlabel("length of the clip (seconds)", fontsize=8.5)
    figure.supylabel("score", fontsize=8.5)
    return figure


def of_reals(clips: Sequence[Line]) -> list[Line]:
    """The real clips whose frames were pooled."""
    return [clip for clip in clips if clip["label"] == REAL and clip.get("poolings")]


def in_use(clips: Sequence[Line]) -> str:
    """The pooling that the score called alignment was made by; "" if none of them."""
    pooled = [clip for clip in clips if clip.get("poolings") and is_scored(clip, "alignment")]
    names = pooled[0]["poolings"] if pooled else {}
    for name in names:
        if all(clip["poolings"][name] == clip["scores"]["alignment"] for clip in pooled):
            return name
    return ""


def _seconds_and_scores(clips: Sequence[Line], pooling: str) -> Float[np.ndarray, "2 n"]:
    return np.array(
        [
            [clip["num_frames"] / FRAMES_PER_SECOND for clip in clips],
            [clip["poolings"][pooling] for clip in clips],
        ]
    )
