"""The card of a prepared dataset: card.html and card.md beside its files."""

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from avsync import lookup
from avsync.files import atomic_write
from avsync.reports.card import markdown, page, tables
from avsync.reports.card.contents import look_into

HTML, MARKDOWN = "card.html", "card.md"


def write_card(
    dataset: str,
    directory: Path,
    *,
    data_dir: Path,
    rejects: Sequence[Mapping[str, str]],
    report: Mapping[str, Any],
) -> None:
    """Writes the card of `dataset`, prepared in `data_dir`, to `directory`, where it is stored.

    `rejects` and `report` are what is told of its preparation in rejects.jsonl and
    prepare_report.json.
    """
    contents = look_into(dataset, data_dir=data_dir)
    shown = [
        tables.splits(contents),
        tables.kinds(contents),
        tables.silence(contents),
        tables.sources(contents),
        tables.rejects(rejects),
        tables.preparation(report),
    ]
    builder = lookup.load("datasets", dataset.partition("/")[0]).Builder
    words = {"title": f"{dataset}: data card", "description": inspect.getdoc(builder) or ""}
    atomic_write(directory / HTML, page.render(contents, shown, **words))
    atomic_write(directory / MARKDOWN, markdown.render(contents, shown, **words))
