"""The reports of the datasets of an evaluation, and for several the comparison of them.

A single dataset has its report in the folder itself. Of several, each has a folder NAME there, and
metrics.json and report.html compare them.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from avsync.evaluation import corpora
from avsync.evaluation.calibration import Calibration
from avsync.evaluation.corpora import Corpus
from avsync.evaluation.lines import Metrics, write_lines
from avsync.files import atomic_write
from avsync.reports import text
from avsync.reports.corpora import page
from avsync.reports.evaluation import report, wording

PAGE = "report.html"


class Reports:
    """Grows dataset by dataset; `calibration` gives p-values where its rules are those used."""

    def __init__(
        self,
        out_dir: Path,
        calibration: Calibration | None,
        *,
        datasets: Sequence[str],
        checkpoint: str,
        compared_with: str,
    ):
        self._out_dir, self._calibration, self._is_single = out_dir, calibration, len(datasets) == 1
        self._titles = {"checkpoint": checkpoint, "compared_with": compared_with}
        self._metrics: dict[str, Metrics] = {}

    def add(self, corpus: Corpus) -> Path:
        """Writes and prints the report of a dataset; returns its page."""
        folder = self._out_dir if self._is_single else self._out_dir / page.folder(corpus.dataset)
        judged, matching = corpora.judged(corpus, self._calibration)
        write_lines(judged, corpus.frame_scores, folder)
        metrics = report.write_report(
            judged,
            folder,
            dataset=corpus.dataset,
            split=corpus.split,
            frame_scores=corpus.frame_scores,
            calibration=matching,
            fabricated=corpus.fabricated,
            realigned_frames=corpus.realigned_frames,
            **self._titles,
        )
        report.print_table(metrics)
        self._metrics[corpus.dataset] = metrics
        return folder / PAGE

    def close(self, failed: Mapping[str, str]) -> None:
        """Writes and prints the comparison of several datasets; ValueError if none was added."""
        if not self._metrics:
            raise ValueError(f"none of these datasets was evaluated: {', '.join(failed)}")
        if self._is_single:
            return
        summary = corpora.summarise(self._metrics, failed=failed)
        metrics_text = json.dumps(summary, indent=2, allow_nan=False)
        atomic_write(self._out_dir / PAGE, page.render(summary))
        atomic_write(self._out_dir / "metrics.json", f"{metrics_text}\n")
        print_table(summary)
        text.console(None).print(f"comparison: {self._out_dir / PAGE}", soft_wrap=True)


def print_table(summary: Metrics) -> None:
    """Prints the headline scores of each dataset, and their means."""
    views = list(summary["views"])
    title = f"{page.counted(summary)}, {summary['split']} split, {summary['checkpoint']}"
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
    for name, reason in summary["failed"].items():
        console.print(f"Not evaluated: {name}: {reason}")
