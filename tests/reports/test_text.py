"""Names and numbers as reports write them, and tables on a terminal."""

import pytest

from avsync.reports import text


@pytest.mark.parametrize(
    ("numbers", "written"),
    [
        ((0.9721, 0.95, 1.0), "0.972 [0.950, 1.000]"),
        ((0.5, None, None), "0.500"),
        ((-0.0001, -0.01, 0.01), "0.000 [-0.010, 0.010]"),
    ],
)
def test_a_value_comes_before_its_interval(numbers, written):
    assert text.interval(*numbers) == written


def test_names_are_written_without_underscores_and_keep_their_capitals():
    assert text.readable("leading_silence") == "leading silence"
    assert text.capitalised("AP_balanced") == "AP balanced"
    assert text.capitalised("top_k") == "Top k"


def test_a_terminal_table_shows_brackets_as_they_are(capsys):
    table = text.terminal_table("a [red]title", "score", "AUC")
    table.add_row("[b]", "0.9 [0.8, 1.0]")
    text.console(40).print(table)
    printed = capsys.readouterr().out
    for cell in ("a [red]title", "[b]", "0.9 [0.8, 1.0]"):
        assert cell in printed
