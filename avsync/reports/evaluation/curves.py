"""The scores of the frames of a clip, along time, and where it is forged."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from avsync.evaluation.lines import Line
from avsync.reports import drawing
from avsync.types import REAL
from avsync.units import FRAMES_PER_SECOND

HEIGHT_INCHES = 1.7

# More points than there are dots across the picture make a line no finer.
MAX_POINTS = round(drawing.PHONE_INCHES * drawing.DOTS_PER_INCH)


def draw(
    clip: Line,
    frame_scores: Sequence[float],
    *,
    limits: tuple[float, float],
    threshold: float | None,
) -> Figure:
    """The curve of a clip; its forged stretches shaded, and a line at any threshold.

    `limits` are the ends of the axis of scores. Of a long clip each point is the highest of
    `frames_a_point`.
    """
    figure, (axes,) = drawing.canvas(drawing.PHONE_INCHES, HEIGHT_INCHES, num_rows=1, num_columns=1)
    for start, end in clip["fake_segments"]:
        # Grey: the curve keeps its contrast, and a printer may have no colours.
        axes.axvspan(start, end, color="black", alpha=0.13, linewidth=0)
    step = frames_a_point(len(frame_scores))
    seconds = np.arange(0, len(frame_scores), step) / FRAMES_PER_SECOND
    colour = drawing.COLOURS["real" if clip["label"] == REAL else "fake"]
    axes.plot(seconds, _highest(np.array(frame_scores), step=step), color=colour, linewidth=1.3)
    if threshold is not None:
        axes.axhline(threshold, color="black", linestyle="--", linewidth=1)
    axes.set(xlim=(0, len(frame_scores) / FRAMES_PER_SECOND), ylim=limits)
    axes.tick_params(labelsize=8)
    axes.set_xlabel("seconds", fontsize=8)
    axes.set_ylabel("frame score", fontsize=8)
    return figure


def frames_a_point(num_frames: int) -> int:
    """How many frames of a clip share a point of its curve."""
    return max(1, -(-num_frames // MAX_POINTS))


def _highest(scores: Float[np.ndarray, " t"], *, step: int) -> Float[np.ndarray, " p"]:
    """The highest of every `step` scores."""
    padded = np.pad(scores, (0, -len(scores) % step), constant_values=-np.inf)
    return padded.reshape(-1, step).max(axis=1)
