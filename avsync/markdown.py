"""Text from datasets and checkpoints in Markdown pages, where it must stay text."""

import re
from collections.abc import Sequence
from typing import Any

from avsync.names import shown

# All that Markdown of GitHub or of the Hub, or HTML in it, reads as more than text: markup,
# entities, the borders of tables, and addresses that become links by themselves.
MARKUP = re.compile(r'[&<>|`*\[\]!#~\\"@]|(?<!\w)_|_(?!\w)|:(?=//)|(?<=www)\.', re.IGNORECASE)

# Within backquotes nothing is escaped: only what needs no escape may stand there.
CODE = re.compile(r"[\w./+-]+( [\w./+-]+)*")


def plain(value: Any) -> str:
    """Markdown that shows the text of `value` on one line, in a paragraph or a table."""
    line = " ".join(str(value).split())
    # Entities, because a backslash before a character is shown in some places.
    return MARKUP.sub(lambda found: f"&#{ord(found[0])};", shown(line))


def code(value: Any) -> str:
    """A name in the typeface of code if it looks like one, otherwise as `plain`."""
    return f"`{value}`" if CODE.fullmatch(str(value)) else plain(value)


def table(head: Sequence[str], rows: Sequence[Sequence[Any]], *, numbers: bool = False) -> str:
    """A table of cells that are Markdown; with `numbers`, all but the first column align right."""
    rule = ["---", *["---:" if numbers else "---"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in [head, rule, *rows])
