"""Figures of all reports take texts as they are."""

import pytest
from matplotlib.ticker import LogFormatterSciNotation

from avsync.reports import drawing


@pytest.mark.parametrize(
    "name", [r"$\frac$.mp4", "$_$", "视频\x1b[31m\u202e.mp4", "caf\udce9", r"a\$b$"]
)
def test_no_name_is_read_as_a_formula_or_drawn_without_a_glyph(name):
    figure, (axes,) = drawing.canvas(4.0, 4.0, num_rows=1, num_columns=1)
    axes.set_title(name)
    axes.plot([0, 1], [0, 1], label=f"clip {name}")
    axes.legend()
    axes.set_yticks([0, 1], [name, "other"])
    # A missing glyph is a warning, and warnings are errors.
    assert drawing.to_png(figure).startswith(b"\x89PNG")


def test_what_the_font_lacks_is_drawn_as_an_escape():
    assert drawing.drawable("é 视\n$x$") == "é \\u89c6\n$x$"


def test_the_powers_of_a_logarithmic_axis_stay_formulas():
    figure, (axes,) = drawing.canvas(4.0, 4.0, num_rows=1, num_columns=1)
    axes.set_xscale("log")
    axes.plot([1e-3, 1], [0, 1])
    drawing.to_png(figure)
    assert isinstance(axes.xaxis.get_major_formatter(), LogFormatterSciNotation)
    assert any("mathdefault" in label.get_text() for label in axes.get_xticklabels())
