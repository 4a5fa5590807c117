"""What an audit leaves behind: audit.json, a page, and a table to read at once."""

import json
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from avsync.audits.findings import Audit, Finding
from avsync.audits.measuring import VIEWS
from avsync.audits.strength import Strength
from avsync.files import atomic_write
from avsync.reports.audit import page, wording
from avsync.reports.audit.kinds import kinds_of_fakes

TABLE_WIDTH = 100

# Of what is not found so many rows are enough on a terminal.
MAX_ROWS_NOT_FOUND = 5


def write_report(audited: Audit, out_dir: Path, *, title: str) -> None:
    """Writes audit.json and report.html to `out_dir`; each is complete or absent."""
    kinds = kinds_of_fakes(audited)
    html = page.render(audited, title=title, kinds=kinds)
    findings = [to_json(finding) for finding in audited.findings]
    for finding in findings:
        for field, of_field in kinds.get(finding["shortcut"], {}).items():
            finding[f"by_{field}"] = {kind: _by_view(**views) for kind, views in of_field.items()}
    out_dir.mkdir(parents=True, exist_ok=True)
    atomic_write(out_dir / "report.html", html)
    atomic_write(out_dir / "audit.json", json.dumps(findings, indent=2, allow_nan=False) + "\n")


def to_json(finding: Finding) -> dict[str, Any]:
    """A finding as audit.json has it; those told at length have `by_category` and more beside."""
    return {
        "shortcut": finding.name,
        "is_found": finding.is_found,
        **_by_view(finding.original, finding.trimmed),
        "threshold": finding.threshold,
        "fake_if": finding.fake_if,
        "unit": finding.shortcut.unit,
        "description": finding.shortcut.description,
        "kind": finding.kind,
        "num_missing": finding.original.num_missing,
        "num_failed": finding.num_failed,
        "note": finding.original.note,
        "categories": {
            name: {"num_real": num_real, "num_fake": num_fake}
            for name, (num_real, num_fake) in finding.categories.items()
        },
    }


def print_table(audited: Audit, *, title: str) -> None:
    """Prints what was found, and the strongest of what was not, at most 100 columns wide."""
    # No markup: "[0.95, 0.99]" is an interval.
    console = Console(width=TABLE_WIDTH, highlight=False, markup=False, emoji=False)
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("shortcut", overflow="fold")
    for heading in (*[f"{view} AUC" for view in VIEWS], "fake if"):
        table.add_column(heading, justify="right")
    not_found = [finding for finding in audited.findings if not finding.is_found]
    for findings in (audited.found, not_found[:MAX_ROWS_NOT_FOUND]):
        for finding in findings:
            table.add_row(
                wording.readable(finding.name),
                wording.estimate(finding.original),
                wording.estimate(finding.trimmed),
                wording.fake_if(finding) if finding.is_found else "",
            )
        table.add_section()
    console.print(table)
    console.print(
        f"AUC [95 % intervals that hold for all {len(audited.findings)} shortcuts at once, over "
        f"{audited.group_kind}]; {len(not_found)} are not found, {len(audited.not_measured)} not "
        "measured."
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
