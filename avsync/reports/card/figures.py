"""Histograms of a data card: length and leading silence by class."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from avsync.reports import drawing
from avsync.reports.card.contents import CLASSES, Contents

# Longer silence is counted in the last bin: the silence that gives fakes away lasts tens of
# milliseconds, and an axis of seconds would hide it in one bin.
LONGEST_SILENCE_SECONDS = 0.5
SILENCE_BIN_SECONDS = 0.02


def draw_lengths(contents: Contents) -> Figure:
    """Histogram of clip lengths, as shares of each class."""
    seconds = {label: contents.values(label, lambda clip: clip.seconds) for label in CLASSES}
    edges = drawing.bins(np.concatenate(list(seconds.values())))
    return _draw(seconds, edges, "length of the clip (s)")


def draw_silence(contents: Contents) -> Figure:
    """Histogram of leading silence, as shares of each class."""
    seconds = {
        label: contents.values(
            label, lambda clip: min(clip.leading_silence_seconds, LONGEST_SILENCE_SECONDS)
        )
        for label in CLASSES
    }
    num_bins = round(LONGEST_SILENCE_SECONDS / SILENCE_BIN_SECONDS)
    edges = np.linspace(0, LONGEST_SILENCE_SECONDS, num_bins + 1).tolist()
    return _draw(
        seconds, edges, f"leading silence (s; last bin: {LONGEST_SILENCE_SECONDS} or more)"
    )


def _draw(seconds: Mapping[str, np.ndarray], bins: list[float], axis_label: str) -> Figure:
    figure, (axes,) = drawing.canvas(4.4, 2.8, num_rows=1, num_columns=1)
    for label, values in seconds.items():
        if len(values):
            drawing.draw_shares(axes, values, bins=bins, label=label)
    axes.set_xlim(bins[0], bins[-1])
    axes.set_xlabel(axis_label)
    axes.set_ylabel("share of clips")
    axes.legend(fontsize=8)
    return figure
