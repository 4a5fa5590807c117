"""Figures of all reports, drawn on Figure objects: no window, no global state."""

import functools
import io
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.text import Text
from matplotlib.ticker import FixedFormatter, Formatter, FuncFormatter
from PIL import Image

from avsync.names import shown_text

# The palette of Okabe & Ito, distinguishable with all common kinds of colour vision.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
COLOURS = {"real": PALETTE[0], "fake": PALETTE[1]}

MIN_BINS, MAX_BINS = 10, 40
DOTS_PER_INCH = 200

# A figure of this width fills a phone of 390 CSS pixels, where its 8-point letters are 9 pixels
# high; on larger screens pages put such figures side by side.
PHONE_INCHES = 4.2


def canvas(
    width_inches: float, height_inches: float, *, num_rows: int, num_columns: int
) -> tuple[Figure, list[Axes]]:
    """A figure and its panels, row by row."""
    figure = Figure(figsize=(width_inches, height_inches), layout="constrained")
    FigureCanvasAgg(figure)
    axes = [
        figure.add_subplot(num_rows, num_columns, index + 1)
        for index in range(num_rows * num_columns)
    ]
    for panel in axes:
        panel.spines[["top", "right"]].set_visible(False)
    return figure, axes


def draw_shares(
    axes: Axes, values: Float[np.ndarray, " n"], *, bins: list[float], label: str
) -> None:
    """Draws a histogram of one class, `label` "real" or "fake", as shares of that class."""
    counts, _ = np.histogram(values, bins)
    shares, colour = counts / max(len(values), 1), COLOURS[label]
    # One outline instead of a rectangle a bin, of which matplotlib draws each one by itself.
    axes.stairs(shares, bins, fill=True, color=colour, alpha=0.35)
    axes.stairs(shares, bins, color=colour, linewidth=1.4, label=label)


def bins(values: Float[np.ndarray, " n"]) -> list[float]:
    """Bin edges that span the `limits` of the values."""
    num_bins = np.clip(int(2 * np.sqrt(len(values))), MIN_BINS, MAX_BINS)
    return np.linspace(*limits(values), num_bins + 1).tolist()


def limits(values: Float[np.ndarray, " n"]) -> tuple[float, float]:
    """The ends of an axis: the values with a margin, wider around a constant; 0 and 1 if empty."""
    if not len(values):
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    margin = (high - low) * 0.02 or 0.5
    return low - margin, high + margin


def to_png(figure: Figure, *, cropped: bool = True) -> bytes:
    """The figure as a PNG file, the same bytes every time; its texts may hold any names.

    `cropped`: to what is drawn, which takes a pass over all texts.
    """
    _take_literally(figure)
    buffer = io.BytesIO()
    if cropped:
        options = {"dpi": DOTS_PER_INCH, "bbox_inches": "tight", "metadata": {"Software": None}}
        figure.savefig(buffer, format="png", **options)
    else:
        figure.set_dpi(DOTS_PER_INCH)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        # Without the opacity of pixels, which are all opaque, and at this level, a picture of a
        # scored file has 145 instead of 154 kB, and takes 31 instead of 54 ms to write.
        pixels = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
        pixels.save(buffer, "png", compress_level=3, dpi=(DOTS_PER_INCH, DOTS_PER_INCH))
    return buffer.getvalue()


def drawable(text: str) -> str:
    """The text with escapes for what is not printable and for what the font of figures lacks."""
    known = _characters()
    return "".join(
        character
        if ord(character) in known or character == "\n"
        else character.encode("unicode_escape").decode()
        for character in shown_text(text)
    )


def _take_literally(figure: Figure) -> None:
    """Lets no text be read as a formula, as matplotlib does between two dollar signs."""
    for text in _texts(figure):
        text.set_text(_literal(text.get_text()))
    # Their texts are made while the figure is drawn. Formulas of other axes are matplotlib's own.
    for axis in [axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]:
        formatter = axis.get_major_formatter()
        if isinstance(formatter, FixedFormatter | FuncFormatter):
            axis.set_major_formatter(_Literally(formatter))


def _texts(artist: Artist) -> Iterator[Text]:
    """Every text of the artist but the labels of ticks, which matplotlib makes while it draws."""
    if isinstance(artist, Text):
        yield artist
    children = [artist.label] if isinstance(artist, Axis) else artist.get_children()
    for child in children:
        yield from _texts(child)


class _Literally(Formatter):
    """The labels of another formatter, none of them a formula."""

    def __init__(self, labels: Formatter):
        self._labels = labels

    def __call__(self, x: Any, pos: int | None = None) -> str:
        return _literal(self._labels(x, pos))


def _literal(text: str) -> str:
    return re.sub(r"(?<!\\)\$", r"\$", drawable(text))


@functools.cache
def _characters() -> frozenset[int]:
    return frozenset(get_font(findfont(FontProperties())).get_charmap())
