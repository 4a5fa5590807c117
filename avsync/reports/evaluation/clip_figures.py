"""Figures of single clips: the effect of trimming, dependence on length, and frame scores."""

from collections.abc import Sequence
from itertools import cycle

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from avsync.evaluation.comparisons import Pair
from avsync.evaluation.lines import Line, Metrics
from avsync.evaluation.results import kind_of
from avsync.reports import drawing
from avsync.reports.evaluation import selection, wording
from avsync.reports.text import readable
from avsync.types import REAL
from avsync.units import FRAMES_PER_SECOND

# Shapes beside the colours, for printers that have none. The first is for real clips.
MARKERS = "o^sDvP"

LENGTH_COLUMNS, LENGTH_ROW_INCHES = 2, 1.8

# The black line of a length panel joins the medians of this many groups of equally many clips.
NUM_GROUPS = 5

CURVE_INCHES = 1.7

# More points than the picture has dots across make a line no finer.
MAX_CURVE_POINTS = round(drawing.PHONE_INCHES * drawing.DOTS_PER_INCH)


def draw_trimming(pairs: Sequence[Pair], score: str) -> Figure:
    """The trimmed score of each clip against its original score, with the diagonal of no change.

    One colour and shape per category; many clips are subsampled by `selection.subsample`.
    """
    side = drawing.PHONE_INCHES
    figure, (axes,) = drawing.canvas(side, side, num_rows=1, num_columns=1)
    ends = drawing.limits(np.concatenate(_both_scores(pairs, score)))
    axes.plot(ends, ends, color="black", linewidth=1, linestyle=":", label="unchanged")
    kinds = [kind_of(pair.original, "manipulation") for pair in pairs]
    by_category: dict[str, list[Pair]] = {"real": []}
    for pair in selection.subsample(pairs, kinds=kinds):
        by_category.setdefault(kind_of(pair.original, "category") or "real", []).append(pair)
    for (category, shown), marker, colour in zip(
        by_category.items(), cycle(MARKERS), cycle(drawing.PALETTE), strict=False
    ):
        original, trimmed = _both_scores(shown, score)
        axes.plot(
            original,
            trimmed,
            marker,
            color=colour,
            fillstyle="none",
            markersize=4,
            alpha=0.7,
            # Real clips on top: they are fewer, and lie where fakes should not.
            zorder=3 if category == "real" else 2,
            label=f"{category}, n = {len(shown)}",
        )
    axes.set(xlim=ends, ylim=ends, aspect="equal")
    axes.set_xlabel(f"{readable(score)}, original", fontsize=9)
    axes.set_ylabel(f"{readable(score)}, trimmed", fontsize=9)
    axes.tick_params(labelsize=8)
    figure.legend(loc="outside lower center", fontsize=8, frameon=False, ncols=2)
    return figure


def draw_lengths(real_clips: Sequence[Line], poolings: Metrics) -> Figure:
    """The score of each real clip against its length, one panel per pooling, with group medians.

    `poolings` is the result of `compare_poolings` on these clips. Many clips are subsampled by
    `selection.subsample`; the medians are over all.
    """
    ascending = sorted(real_clips, key=lambda clip: clip.num_frames)
    drawn = selection.subsample(ascending, kinds=[REAL] * len(ascending))
    groups = [group.tolist() for group in np.array_split(np.array(ascending, object), NUM_GROUPS)]
    num_rows = -(-len(poolings) // LENGTH_COLUMNS)
    figure, panels = drawing.canvas(
        drawing.PHONE_INCHES,
        LENGTH_ROW_INCHES * num_rows,
        num_rows=num_rows,
        num_columns=LENGTH_COLUMNS,
    )
    for axes, (name, result) in zip(panels, poolings.items(), strict=False):
        axes.plot(
            *_seconds_and_scores(drawn, name), "o", color=drawing.COLOURS["real"], fillstyle="none",
            markersize=3, alpha=0.6,
        )  # fmt: skip
        medians = [np.median(_seconds_and_scores(group, name), axis=1) for group in groups if group]
        axes.plot(*np.transpose(medians), "s-", color="black", markersize=3.5, linewidth=1.2)
        correlation = wording.correlation(result["length_correlation"])
        axes.set_title(f"{readable(name)}: {correlation}", fontsize=8.5)
        axes.tick_params(labelsize=7.5)
    for axes in panels[len(poolings) :]:
        axes.set_axis_off()
    figure.supxlabel("clip length (seconds)", fontsize=8.5)
    figure.supylabel("clip score", fontsize=8.5)
    return figure


def draw_frame_scores(
    clip: Line,
    frame_scores: Sequence[float],
    *,
    limits: tuple[float, float],
    threshold: float | None,
) -> Figure:
    """The frame scores of a clip over time; forged segments shaded, the threshold dashed.

    `limits` are the ends of the score axis. Each point of a long clip is the highest of
    `frames_per_point` frames.
    """
    figure, (axes,) = drawing.canvas(drawing.PHONE_INCHES, CURVE_INCHES, num_rows=1, num_columns=1)
    for start, end in clip.fake_segments:
        # Grey: the curve keeps its contrast, and a printer may have no colours.
        axes.axvspan(start, end, color="black", alpha=0.13, linewidth=0)
    step = frames_per_point(len(frame_scores))
    seconds = np.arange(0, len(frame_scores), step) / FRAMES_PER_SECOND
    colour = drawing.COLOURS["real" if clip.is_real else "fake"]
    axes.plot(seconds, _highest(np.array(frame_scores), step=step), color=colour, linewidth=1.3)
    if threshold is not None:
        axes.axhline(threshold, color="black", linestyle="--", linewidth=1)
    axes.set(xlim=(0, len(frame_scores) / FRAMES_PER_SECOND), ylim=limits)
    axes.tick_params(labelsize=8)
    axes.set_xlabel("seconds", fontsize=8)
    axes.set_ylabel("frame score", fontsize=8)
    return figure


def frames_per_point(num_frames: int) -> int:
    """The number of frames that share a point of a curve."""
    return max(1, -(-num_frames // MAX_CURVE_POINTS))


def _both_scores(
    pairs: Sequence[Pair], score: str
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    by_view = np.array([[line.score(score) for line in pair] for pair in pairs], float)
    original, trimmed = by_view.reshape(-1, len(Pair._fields)).T
    return original, trimmed


def _seconds_and_scores(clips: Sequence[Line], pooling: str) -> Float[np.ndarray, "2 n"]:
    return np.array(
        [
            [clip.num_frames / FRAMES_PER_SECOND for clip in clips],
            [clip.poolings[pooling] for clip in clips],
        ]
    )


def _highest(scores: Float[np.ndarray, " t"], *, step: int) -> Float[np.ndarray, " p"]:
    """The highest of every `step` scores."""
    padded = np.pad(scores, (0, -len(scores) % step), constant_values=-np.inf)
    return padded.reshape(-1, step).max(axis=1)
