"""card.md: the card as text, for those who read it beside code."""

from collections.abc import Sequence

from avsync.reports.card import wording
from avsync.reports.card.contents import Contents
from avsync.reports.card.tables import Table


def render(contents: Contents, tables: Sequence[Table], *, title: str, description: str) -> str:
    """The whole text; its pictures are those of the page, card.html."""
    parts = [
        f"# {title}",
        description,
        f"**{wording.headline(contents)}** {wording.sampling(contents)}",
        *[_section(table) for table in tables],
    ]
    return "\n\n".join(parts) + "\n"


def _section(table: Table) -> str:
    parts = [f"## {table.heading}"]
    for name, rows in table.groups.items():
        parts += [f"**{name}**"] if name else []
        head = [_line(table.head), _line(["---", *["---:"] * (len(table.head) - 1)])]
        parts.append("\n".join([*head, *map(_line, rows)]))
    if not table.groups:
        parts.append("none")
    return "\n\n".join([*parts, table.caption] if table.caption else parts)


def _line(cells: Sequence[str]) -> str:
    # A bar or a line's end within a cell would end it.
    return f"| {' | '.join(' '.join(cell.replace('|', '¦').split()) for cell in cells)} |"
