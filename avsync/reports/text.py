"""Names and numbers as reports write them, and the tables printed on a terminal."""

from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from avsync.names import shown_text

# Wide enough for two intervals, narrow enough for a README; the same in a pipe as on a terminal.
TERMINAL_COLUMNS = 108


def readable(name: str) -> str:
    """A name from the files as prose: "leading silence" for "leading_silence"."""
    return name.replace("_", " ")


def capitalised(name: str) -> str:
    """A name with a capital first letter; other capitals stay."""
    text = readable(name)
    return text[:1].upper() + text[1:]


def interval(value: float, low: float | None, high: float | None) -> str:
    """The text "0.972 [0.954, 0.988]", or the value alone without an interval."""
    # z: a drop of -0.0001 is written 0.000, not -0.000.
    if low is None or high is None:
        return f"{value:z.3f}"
    return f"{value:z.3f} [{low:z.3f}, {high:z.3f}]"


def real_and_fake(num_real: int, num_fake: int) -> str:
    """The text "100 / 400", for columns headed "Real / fake"."""
    return f"{num_real} / {num_fake}"


class PlainConsole(Console):
    """A console for text that may hold names, in sentences and in the cells of tables."""

    def __init__(self, width: int | None):
        # No markup: "[0.95, 0.99]" is an interval, and a name may hold brackets too.
        super().__init__(width=width, highlight=False, markup=False, emoji=False)

    def render_str(self, text: str, **options: Any) -> Text:
        """The text with escapes for what is not printable; rich calls it for every string."""
        return super().render_str(shown_text(text), **options)

    def on_broken_pipe(self) -> None:
        """Leaves it to the caller: rich would exit with status 1 and without a word."""
        raise BrokenPipeError


def console(width: int | None = TERMINAL_COLUMNS) -> Console:
    """A console that prints names as text on `width` columns."""
    return PlainConsole(width)


def terminal_table(title: str, first: str, *others: str) -> Table:
    """A table with a left column `first` and right-aligned columns `others`."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column(first, overflow="fold")
    for heading in others:
        table.add_column(heading, justify="right")
    return table
