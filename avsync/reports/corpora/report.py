"""The reports of the datasets of an evaluation, and for several the comparison of them.

A single dataset has its report in the folder itself. Of several, each has NAME/SPLIT there, and
metrics.json and report.html compare them.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from avsync.evaluation import calibration as calibrations
from avsync.evaluation import corpora
from avsync.evaluation.calibration import Calibration
from avsync.evaluation.corpora import Corpus
from avsync.evaluation.lines import Metrics, write_lines
from avsync.files import atomic_write
from avsync.reports import text
from avsync.reports.corpora import page
from avsync.reports.evaluation import report, wording

PAGE = "report.html"


def write_reports(
    scored: Iterable[Corpus],
    out_dir: Path,
    *,
    is_single: bool,
    checkpoint: str,
    compared_with: str,
    calibration: Calibration | None,
) -> Iterator[Path]:
    """Writes and prints the report of each dataset as it comes, and the comparison of several.

    Yields each page. `calibration` gives p-values where its rules are those of the scores.
    """
    metrics: dict[str, Metrics] = {}
    for corpus in scored:
        folder = out_dir if is_single else out_dir / corpus.dataset / corpus.split
        known = calibrations.matching(
            calibration, frame_score=corpus.frame_score, pooling=corpus.pooling
        )
        judged = calibrations.with_p_values(corpus.lines, known)
        write_lines(judged, corpus.frame_scores, folder)
        metrics[corpus.dataset] = report.write_report(
            judged,
            folder,
            dataset=corpus.dataset,
            split=corpus.split,
            checkpoint=checkpoint,
            frame_scores=corpus.frame_scores,
            calibration=known,
            compared_with=compared_with,
            fabricated=corpus.fabricated,
            realigned_frames=corpus.realigned_frames,
        )
        report.print_table(metrics[corpus.dataset])
        yield folder / PAGE
    if not is_single:
        summary = corpora.summarise(metrics)
        content = json.dumps(summary, indent=2, allow_nan=False)
        atomic_write(out_dir / "metrics.json", f"{content}\n")
        atomic_write(out_dir / PAGE, page.render(summary))
        print_table(summary)
        yield out_dir / PAGE


def print_table(summary: Metrics) -> None:
    """Prints the headline scores of each dataset, and their means."""
    views = list(summary["views"])
    title = f"{page.title(summary)}, {summary['checkpoint']}"
    headings = [*[f"{view} AUC" for view in views], "real / fake"]
    table = text.terminal_table(title, "score, dataset", *headings)
    for score, rows in page.score_rows(summary, page.headline_scores(summary)).items():
        table.add_row(text.readable(score))
        for first, *cells in rows:
            table.add_row(f"  {first}", *cells)
        table.add_section()
    console = text.console()
    console.print(table)
    console.print("AUC [95% interval over clips]; the mean over datasets is unweighted.")
    for name, offset in summary["corpus_offsets"].items():
        console.print(f"A/V offset of {name}: {wording.corpus_offset(offset)}.")
