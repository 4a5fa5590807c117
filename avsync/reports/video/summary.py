"""summary.html: how many files have which verdict, and how their scores and offsets are spread.

Only numbers are kept of each file, so that the page of a hundred thousand files is made in seconds.
"""

import heapq
from array import array
from collections import Counter
from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from avsync import names
from avsync.files import atomic_write
from avsync.reports import drawing, html
from avsync.reports.text import capitalised, readable
from avsync.reports.video.job import is_flagged
from avsync.reports.video.record import Record, sync_result
from avsync.reports.video.tables import Output
from avsync.scoring.video import verdict
from avsync.scoring.video.reference import Reference
from avsync.scoring.video.results import OK
from avsync.units import FRAMES_PER_SECOND

PAGE = "summary.html"

NUM_LISTED = 20

P_VALUE_BINS = np.linspace(0, 1, 21)

# The axis of scores ends at this quantile: those of a few noisy files are far higher.
HIGH_QUANTILE = 0.995

FRAME_MS = 1000 / FRAMES_PER_SECOND

PANEL_INCHES = 2.1


class Summary(Output):
    """The page, made of all records of a job."""

    def __init__(self, out_dir: Path, reference: Reference):
        super().__init__()
        self._path, self._reference = out_dir / PAGE, reference
        self._verdicts: Counter[str] = Counter()
        self._statuses: Counter[str] = Counter()
        self._scores, self._p_values, self._offsets = array("d"), array("d"), array("d")
        self._num_unclear = self._num_flagged = 0
        self._worst: list[tuple[float, float, str, list[html.Cell]]] = []
        self._made_by: Counter[str] = Counter()

    def add(self, record: Record) -> None:
        self._made_by[f"model {record['model'] or 'unknown'}, avsync {record['version']}"] += 1
        if record["status"] != OK:
            self._statuses[record["status"]] += 1
            return
        self._verdicts[record["verdict"]] += 1
        self._num_flagged += is_flagged(record["verdict"])
        self._scores.append(record["score"])
        if record["offset_is_certain"]:
            self._offsets.append(1000 * record["offset_seconds"])
        else:
            self._num_unclear += 1
        p_value = record["p_value"]
        if p_value is not None:
            self._p_values.append(p_value)
        # The file with the smallest p-value, and of these the highest score, comes first.
        key = (-1.0 if p_value is None else -p_value, record["score"], record["path"])
        if len(self._worst) < NUM_LISTED:
            heapq.heappush(self._worst, (*key, _row(record)))
        elif key > self._worst[0][:3]:
            heapq.heapreplace(self._worst, (*key, _row(record)))

    def finish(self) -> None:
        atomic_write(self._path, self._render())

    @property
    def _num_scored(self) -> int:
        return self._verdicts.total()

    @property
    def _num_files(self) -> int:
        return self._num_scored + self._statuses.total()

    def counts(self) -> list[tuple[str, int]]:
        """The files by verdict and by status, the most frequent first."""
        verdicts = [(readable(name), n) for name, n in self._verdicts.most_common()]
        statuses = [(f"no score: {readable(name)}", n) for name, n in self._statuses.most_common()]
        return verdicts + statuses

    def headline(self) -> str:
        """The finding in one sentence."""
        without = self._statuses.total()
        text = f"Flagged: {self._num_flagged:,} of {self._num_scored:,} scored files"
        return text + (f"; without a score: {without:,}." if without else ".")

    def _render(self) -> str:
        sections = [html.section("Verdicts", self._count_table())]
        if self._num_scored:
            pictures = [
                html.picture(drawing.to_png(figure), words, "panel")
                for figure, words in self._figures()
            ]
            sections.append(html.section("Distributions", html.panels(pictures)))
            rows = [row for *_, row in sorted(self._worst, key=lambda item: item[:3])[::-1]]
            head = ["File", "Verdict", "p-value", "Score", "Offset", "Details"]
            heading = "Files that fit their sound worst"
            sections.append(html.section(heading, html.table(head, {"": rows})))
        sections.append(html.method(self._method()))
        content = "\n".join(sections)
        made_by = "; ".join(html.escape(name) for name, _ in self._made_by.most_common())
        body = [html.source(made_by), html.headline(self.headline()), html.contents(content)]
        return html.document(f"Lip sync of {self._num_files:,} files", "\n".join([*body, content]))

    def _count_table(self) -> str:
        total = self._num_files
        rows = [[capitalised(name), f"{n:,}", f"{n / total:.1%}"] for name, n in self.counts()]
        return html.table(["", "Files", "Share"], {"": rows})

    def _figures(self) -> list[tuple[Figure, str]]:
        """The histograms, each with its description."""
        scores, p_values, offsets = map(np.array, (self._scores, self._p_values, self._offsets))
        threshold = self._reference.threshold
        figures = [draw_scores(scores, threshold=threshold)]
        if len(p_values):
            expected = "real files like the reference clips spread evenly"
            figures.append(
                (
                    _histogram(p_values, P_VALUE_BINS, "p-value"),
                    f"p-values of {len(p_values):,} files; {expected}",
                )
            )
        if len(offsets):
            reach = max(FRAME_MS, float(np.abs(offsets).max()))
            num_frames = int(np.ceil(reach / FRAME_MS))
            edges = (np.arange(-num_frames, num_frames + 2) - 0.5) * FRAME_MS
            words = f"A/V offsets of {len(offsets):,} files, + where the sound is late"
            if self._num_unclear:
                words += f"; those of {self._num_unclear:,} files are unclear"
            figures.append((_histogram(offsets, edges, "A/V offset (ms)"), words))
        return figures

    def _method(self) -> str:
        return (
            "Flagged: the verdict is neither consistent nor not judged. scores.csv has a row for "
            "each file and each face, scores.jsonl everything. A file may have several faces; it "
            f"counts once. {verdict.comparison(self._reference)}"
        )


def draw_scores(scores: Float[np.ndarray, " n"], *, threshold: float | None) -> tuple[Figure, str]:
    # One of the scores: interpolated, it would cut the highest one of a few files.
    highest = float(np.quantile(scores, HIGH_QUANTILE, method="higher"))
    marked = [] if threshold is None else [threshold]
    highest = max([highest, *marked])
    inside = np.minimum(scores, highest)
    edges = drawing.bins(np.append(inside, marked))
    figure = _histogram(inside, np.array(edges), "mismatch score")
    words = f"Mismatch scores of {len(scores):,} files"
    if num_beyond := int((scores > highest).sum()):
        words += f"; higher, and counted in the last bar: {num_beyond:,}"
    if threshold is not None:
        figure.axes[0].axvline(threshold, color="black", linestyle="--", linewidth=1)
        words += f"; dashed: the threshold of one reference clip's length, {threshold:.2f}"
    return figure, words


def _histogram(
    values: Float[np.ndarray, " n"], edges: Float[np.ndarray, " m"], label: str
) -> Figure:
    figure, (axes,) = drawing.canvas(drawing.PHONE_INCHES, PANEL_INCHES, num_rows=1, num_columns=1)
    axes.hist(values, bins=edges.tolist(), color=drawing.PALETTE[0])
    axes.set_xlim(edges[0], edges[-1])
    axes.set_xlabel(label, fontsize=9)
    axes.set_ylabel("files", fontsize=9)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.tick_params(labelsize=8)
    return figure


def _row(record: Record) -> list[html.Cell]:
    p_value = record["p_value"]
    return [
        names.shown(record["path"]),
        readable(record["verdict"] or ""),
        "" if p_value is None else f"{p_value:.3f}",
        f"{record['score']:.2f}",
        verdict.offset_cell(sync_result(record)),
        [html.Link(kind, record[kind]) for kind in ("page", "picture") if record[kind]],
    ]
