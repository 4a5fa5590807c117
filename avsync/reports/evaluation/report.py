"""The files and the table of an evaluation: metrics.json, three figures, report.html, terminal.

Everything is computed from the lines of scores.jsonl, without a model, JAX or TensorFlow.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.table import Table

from avsync.evaluation.calibration import Calibration
from avsync.evaluation.lines import VIEWS, Line, Metrics, by_view
from avsync.evaluation.summary import compute_metrics
from avsync.files import atomic_write
from avsync.reports import drawing, html, text
from avsync.reports.evaluation import figures, pictures, tables, wording
from avsync.reports.text import readable


def write_report(
    lines: Iterable[Line],
    out_dir: str | Path,
    *,
    dataset: str,
    split: str,
    checkpoint: str,
    frame_scores: Sequence[Sequence[float]] | None = None,
    calibration: Calibration | None = None,
    compared_with: str = "alignment",
    fabricated: Metrics | None = None,
    realigned_frames: int = 0,
) -> Metrics:
    """Writes metrics.json, overview.png, roc.png, scores.png and report.html; returns the metrics.

    The arguments are those of `compute_metrics`. Each file is complete or absent.
    """
    lines = list(lines)
    metrics = compute_metrics(
        lines,
        dataset=dataset,
        split=split,
        checkpoint=checkpoint,
        frame_scores=frame_scores,
        calibration=calibration,
        compared_with=compared_with,
        fabricated=fabricated,
        realigned_frames=realigned_frames,
    )
    views = by_view(lines)
    frames = {
        (line.view, line.clip_id): scores
        for line, scores in zip(lines, frame_scores or [()] * len(lines), strict=True)
    }
    files = {
        "overview.png": drawing.to_png(figures.draw_overview(views, metrics)),
        "roc.png": drawing.to_png(figures.draw_roc(views, metrics)),
        "scores.png": drawing.to_png(figures.draw_scores(views, metrics)),
        "report.html": render(metrics, pictures=pictures.render(views, metrics, frames)),
        "metrics.json": f"{json.dumps(metrics, indent=2, allow_nan=False)}\n",
    }
    out_dir = Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        atomic_write(out_dir / name, content)
    return metrics


def render(metrics: Metrics, *, pictures: str) -> str:
    """The page, from the numbers of metrics.json and the HTML of the pictures."""
    sections = "\n".join(
        part
        for part in (
            tables.scores(metrics),
            pictures,
            tables.other_measures(metrics),
            tables.kinds(metrics),
            tables.differences(metrics),
            tables.thresholds(metrics),
            tables.localisation(metrics),
            tables.poolings(metrics),
            tables.offsets(metrics),
            tables.fabricated(metrics),
            tables.clips(metrics),
            html.method(_method(metrics)),
        )
        if part
    )
    body = "\n".join(
        [
            html.source(f"Checkpoint <code>{html.escape(metrics['checkpoint'])}</code>"),
            html.headline(wording.headline(metrics)),
            html.contents(sections),
            sections,
        ]
    )
    return html.document(f"{metrics['dataset']}, {metrics['split']} split", body)


def print_table(metrics: Metrics) -> None:
    """Prints each score, and alignment by manipulation, within `text.TERMINAL_COLUMNS`."""
    console = text.console()
    console.print(_terminal_table(metrics))
    console.print("AUC [95% interval over clips]; drop: AUC original minus trimmed, same clips.")
    if metrics["fabricated"]:
        console.print(f"{metrics['fabricated']['summary']}.")
    for view, offset in metrics["offsets"].items():
        console.print(f"A/V offset of real clips, {view}: {wording.offsets(offset)}.")
    console.print(f"A/V offset of this corpus: {wording.corpus_offset(metrics['corpus_offset'])}.")
    for view, number_by_status in metrics["statuses"].items():
        console.print(f"Clips, {view}: {wording.statuses(number_by_status)}.")
    for sentence in wording.unscored(metrics):
        console.print(f"{sentence}.")


def _terminal_table(metrics: Metrics) -> Table:
    views = metrics["views"]
    title = f"{metrics['dataset']}, {metrics['split']} split, {metrics['checkpoint']}"
    headings = [*[f"{view} AUC" for view in views], "drop", "real / fake"]
    table = text.terminal_table(title, "score", *headings)

    def add_row(name: str, results: list[Metrics], drop: str) -> None:
        cells = [wording.estimate(result, "auc") for result in results]
        table.add_row(name, *cells, drop, wording.num_clips(results[-1]))

    for score, delta in metrics["delta"].items():
        drop = wording.estimate(delta, "auc_drop") if len(views) == len(VIEWS) else ""
        add_row(readable(score), [results[score] for results in views.values()], drop)
    if "alignment" in metrics["delta"]:
        table.add_section()
        kinds = [results["alignment"]["by_manipulation"] for results in views.values()]
        for kind in kinds[0]:
            add_row(f"  {kind}", [results[kind] for results in kinds], "")
    return table


def _method(metrics: Metrics) -> str:
    interval = metrics["interval"]
    return (
        "Fake is the positive class: a higher score means more likely fake. In brackets: the "
        f"{interval['confidence']:.0%} interval, {interval['method']}, "
        f"{interval['num_resamples']:,} resamples. It covers the choice of clips, not of speakers "
        "or training seeds; where every fake scores above every real clip it is [1, 1], however "
        f"few the clips. Interval over speakers: {interval['over_identities']}. Trimmed: "
        "everything before the first sound is cut from video and audio alike. The AUC drop "
        "is computed on the clips scored in both views, on the same resamples. AP depends on the "
        "share of fakes: compare it only between test sets of the same mix; balanced AP gives real "
        "and fake clips equal weight. TPR at 1% FPR: the share of fakes detected at the best "
        "threshold that at most 1% of these real clips exceed; with fewer than 100 real clips, it "
        "lies above them all."
    )
