"""Writes audit.json and report.html, and prints the table of an audit."""

import json
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from avsync.audits.measuring import VIEWS
from avsync.audits.results import Audit, ShortcutResult, strengths_by_kind
from avsync.audits.strength import Strength
from avsync.files import atomic_write, remove_unfinished
from avsync.reports import text
from avsync.reports.audit import page, wording

TABLE_WIDTH = 100

# The strongest shortcuts get strengths by kind of fake and a figure; the others are in the tables.
MAX_DETAILED = 6

# The terminal table shows this many of the shortcuts that were not found.
MAX_ROWS_NOT_FOUND = 5


def write_report(audited: Audit, out_dir: Path, *, title: str) -> None:
    """Writes audit.json and report.html to `out_dir`; each is complete or absent."""
    by_kind = {
        result.name: strengths_by_kind(audited, result) for result in audited.found[:MAX_DETAILED]
    }
    html = page.render(audited, title=title, by_kind=by_kind)
    results = [to_json(result) for result in audited.results]
    for result in results:
        for field, kinds in by_kind.get(result["shortcut"], {}).items():
            result[f"by_{field}"] = {kind: _by_view(**views) for kind, views in kinds.items()}
    out_dir.mkdir(parents=True, exist_ok=True)
    remove_unfinished(out_dir)
    atomic_write(out_dir / "report.html", html)
    atomic_write(out_dir / "audit.json", json.dumps(results, indent=2, allow_nan=False) + "\n")


def to_json(result: ShortcutResult) -> dict[str, Any]:
    """The entry of a shortcut in audit.json, without `by_category` and `by_manipulation`."""
    return {
        "shortcut": result.name,
        "is_found": result.is_found,
        **_by_view(result.original, result.trimmed),
        "threshold": result.threshold,
        "fake_if": result.fake_if,
        "unit": result.shortcut.unit,
        "description": result.shortcut.description,
        "kind": result.kind,
        "num_missing": result.original.num_missing,
        "num_failed": result.num_failed,
        "note": result.original.note,
        "categories": {
            name: {"num_real": num_real, "num_fake": num_fake}
            for name, (num_real, num_fake) in result.categories.items()
        },
    }


def print_table(audited: Audit, *, title: str) -> None:
    """Prints the shortcuts found and the strongest of the others, at most 100 columns wide."""
    console = text.console(TABLE_WIDTH)
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("shortcut", overflow="fold")
    for heading in (*[f"{view} AUC" for view in VIEWS], "fake if"):
        table.add_column(heading, justify="right")
    for results in (audited.found, audited.not_found[:MAX_ROWS_NOT_FOUND]):
        for result in results:
            table.add_row(
                wording.readable(result.name),
                wording.estimate(result.original),
                wording.estimate(result.trimmed),
                wording.fake_if(result) if result.is_found else "",
            )
        table.add_section()
    console.print(table)
    console.print(
        f"AUC [simultaneous 95% intervals for {len(audited.results)} shortcuts, bootstrap over "
        f"{audited.group_kind}]; {len(audited.not_found)} not found, {len(audited.not_measured)} "
        "not measured."
    )
    for sentence in (wording.headline(audited), *wording.failures(audited)):
        console.print(sentence)


def _by_view(original: Strength, trimmed: Strength) -> dict[str, Any]:
    return {
        "auc": original.auc,
        "auc_low": original.low,
        "auc_high": original.high,
        "auc_trimmed": trimmed.auc,
        "auc_trimmed_low": trimmed.low,
        "auc_trimmed_high": trimmed.high,
        "num_real": original.num_real,
        "num_fake": original.num_fake,
    }
