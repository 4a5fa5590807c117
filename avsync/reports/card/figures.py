"""The pictures of a card."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from avsync.reports import drawing
from avsync.reports.card.contents import CLASSES, Contents

# Leading silence is drawn up to here, and what is longer in the last bin: the slivers that give
# fakes away are of tens of milliseconds, and a pause of seconds would make them one bin.
LONGEST_SILENCE_SECONDS = 0.5
SILENCE_BIN_SECONDS = 0.02


def draw_lengths(contents: Contents) -> Figure:
    """How long the clips are: shares of each class."""
    seconds = {label: contents.values(label, lambda clip: clip.seconds) for label in CLASSES}
    edges = drawing.bins(np.concatenate(list(seconds.values())))
    return _draw(seconds, edges, "length of the clip (s)")


def draw_silence(contents: Contents) -> Figure:
    """For how long the clips are silent at first: shares of each class."""
    seconds = {
        label: contents.values(
            label, lambda clip: min(clip.leading_silence_seconds, LONGEST_SILENCE_SECONDS)
        )
        for label in CLASSES
    }
    num_bins = round(LONGEST_SILENCE_SECONDS / SILENCE_BIN_SECONDS)
    edges = np.linspace(0, LONGEST_SILENCE_SECONDS, num_bins + 1).tolist()
    return _draw(
        seconds, edges, f"leading silence (s; last bin: {LONGEST_SILENCE_SECONDS} and more)"
    )


def _draw(seconds: Mapping[str, np.ndarray], bins: list[float], what: str) -> Figure:
    figure, (axes,) = drawing.canvas(4.4, 2.8, num_rows=1, num_columns=1)
    for label, of_class in seconds.items():
        if len(of_class):
            drawing.draw_shares(axes, of_class, bins=bins, label=label)
    axes.set_xlim(bins[0], bins[-1])
    axes.set_xlabel(what)
    axes.set_ylabel("share of clips")
    axes.legend(fontsize=8)
    return figure
