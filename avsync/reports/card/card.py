"""The data card of a prepared dataset: card.html and card.md beside its files."""

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from avsync import lookup
from avsync.files import atomic_write
from avsync.markdown import plain
from avsync.names import shown_text
from avsync.reports.card import page, tables
from avsync.reports.card.contents import Contents, read_contents
from avsync.reports.card.tables import Table

HTML, MARKDOWN = "card.html", "card.md"


def write_card(
    dataset: str,
    directory: Path,
    *,
    data_dir: Path,
    rejects: Sequence[Mapping[str, str]],
    report: Mapping[str, Any],
) -> None:
    """Writes card.html and card.md of `dataset`, stored in `directory` below `data_dir`.

    `rejects` and `report` are the contents of rejects.jsonl and prepare_report.json.
    """
    contents = read_contents(dataset, data_dir=data_dir)
    shown = [
        tables.splits(contents),
        tables.clips(contents),
        tables.silence(contents),
        tables.sources(contents),
        tables.rejects(rejects),
        tables.preparation(report),
    ]
    builder = lookup.load("datasets", dataset.partition("/")[0]).Builder
    licence = [f"Licence: {builder.LICENCE}."] if builder.LICENCE else []
    description = "\n\n".join([inspect.getdoc(builder) or "", *licence])
    words = {"title": f"{dataset}: data card", "description": description}
    atomic_write(directory / HTML, page.render(contents, shown, **words))
    atomic_write(directory / MARKDOWN, markdown(contents, shown, **words))


def markdown(contents: Contents, shown: Sequence[Table], *, title: str, description: str) -> str:
    """The card as Markdown; its figures are in card.html only."""
    parts = [
        f"# {plain(title)}",
        description,
        f"**{tables.headline(contents)}** {tables.sampling_note(contents)}",
        *map(_markdown_section, shown),
    ]
    return shown_text("\n\n".join(parts)) + "\n"


def _markdown_section(table: Table) -> str:
    parts = [f"## {table.heading}"]
    for name, rows in table.groups.items():
        parts += [f"**{plain(name)}**"] if name else []
        head = [_line(table.head), _line(["---", *["---:"] * (len(table.head) - 1)])]
        parts.append("\n".join([*head, *map(_line, rows)]))
    if not table.groups:
        parts.append("none")
    return "\n\n".join([*parts, table.caption] if table.caption else parts)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(plain, cells))} |"
