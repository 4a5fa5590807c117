"""What an evaluation leaves behind: metrics.json, two figures, a page, and a table to read at once.

Everything here is computed from the lines of scores.jsonl, without a model and without JAX.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from avsync.evaluation.summary import VIEWS, Line, Metrics, by_view, compute_metrics
from avsync.files import atomic_write
from avsync.reports import drawing
from avsync.reports.evaluation import figures, gallery, page, wording

# Wide enough for two intervals, narrow enough for a README; the same in a pipe as on a terminal.
TABLE_WIDTH = 108


def write_report(
    lines: Iterable[Line],
    out_dir: str | Path,
    *,
    dataset: str,
    split: str,
    checkpoint: str,
    frame_scores: Sequence[Sequence[float]] | None = None,
    **options: Any,
) -> Metrics:
    """Writes metrics.json, roc.png, scores.png and report.html to `out_dir`; returns the metrics.

    `frame_scores` and `options` are those of `summary.compute_metrics`. Each file is complete or
    absent.
    """
    lines = list(lines)
    titles = {"dataset": dataset, "split": split, "checkpoint": checkpoint}
    metrics = compute_metrics(lines, **titles, frame_scores=frame_scores, **options)
    views = by_view(lines)
    frames = {
        (line["view"], line["clip_id"]): scores
        for line, scores in zip(lines, frame_scores or [()] * len(lines), strict=True)
    }
    roc = drawing.to_png(figures.draw_roc(views, metrics))
    scores = drawing.to_png(figures.draw_scores(views, metrics))
    html = page.render(metrics, pictures=gallery.render(views, metrics, frames))
    out_dir = Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    atomic_write(out_dir / "roc.png", roc)
    atomic_write(out_dir / "scores.png", scores)
    atomic_write(out_dir / "report.html", html)
    numbers = json.dumps(metrics, indent=2, allow_nan=False)
    atomic_write(out_dir / "metrics.json", f"{numbers}\n")
    return metrics


def print_table(metrics: Metrics) -> None:
    """Prints each score, and alignment by manipulation, at most 108 columns wide."""
    # No markup: "[0.95, 0.99]" is an interval, and a name may hold brackets too.
    console = Console(width=TABLE_WIDTH, highlight=False, markup=False, emoji=False)
    console.print(_table(metrics))
    console.print("AUC [95 % interval over clips]; drop: original minus trimmed, same clips.")
    for view, offset in metrics["offsets"].items():
        console.print(f"Offset of real sound, {view}: {wording.offsets(offset)}.")
    for view, number_by_status in metrics["statuses"].items():
        console.print(f"Clips, {view}: {wording.statuses(number_by_status)}.")
    for sentence in wording.unscored(metrics):
        console.print(f"{sentence}.")


def _table(metrics: Metrics) -> Table:
    views = metrics["views"]
    title = f"{metrics['dataset']}, {metrics['split']} split, {metrics['checkpoint']}"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("score", overflow="fold")
    for heading in (*[f"{view} AUC" for view in views], "drop", "real / fake"):
        table.add_column(heading, justify="right")

    def add_row(name: str, results: list[Metrics], drop: str) -> None:
        cells = [wording.estimate(result, "auc") for result in results]
        table.add_row(name, *cells, drop, wording.num_clips(results[-1]))

    for score, delta in metrics["delta"].items():
        drop = wording.estimate(delta, "auc_drop") if len(views) == len(VIEWS) else ""
        add_row(wording.readable(score), [results[score] for results in views.values()], drop)
    if "alignment" in metrics["delta"]:
        table.add_section()
        kinds = [results["alignment"]["by_manipulation"] for results in views.values()]
        for kind in kinds[0]:
            add_row(f"  {kind}", [results[kind] for results in kinds], "")
    return table
