"""The page about all files, and what is said on the terminal when they are many."""

from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from avsync.reports.video import terminal_table
from avsync.reports.video.summary import NUM_LISTED, Summary, draw_scores
from avsync.reports.video.terminal_table import TerminalTable
from avsync.scoring.video.results import VideoResult
from tests.reports.video.records import record_of
from tests.scoring.video.results import REFERENCE, scored, video_result

ODD_NAME = "<b>&\u202e.mp4"


def records() -> list[dict]:
    scores = [0.1 * number for number in range(30)]
    results = [video_result(scored(score), path=f"{score:.1f}.mp4") for score in scores]
    results.append(video_result(scored(3.0, offset=5, realigned=0.5), path=ODD_NAME))
    return [*map(record_of, results), record_of(VideoResult(path="x.mp4", status="no_face"))]


def test_the_page_counts_verdicts_and_lists_the_worst_files_first(tmp_path: Path):
    with Summary(tmp_path, REFERENCE) as summary:
        for record in records():
            summary.add(record)
    page = (tmp_path / "summary.html").read_text()
    assert summary.headline() == "Flagged: 21 of 31 scored files; without a score: 1."
    assert dict(summary.counts()) == {
        "partly mismatched": 20, "consistent": 10, "out of sync": 1, "no score: no face": 1
    }  # fmt: skip
    assert page.index("2.9.mp4") < page.index("2.8.mp4") < page.index("2.7.mp4")
    assert "<b>" not in page
    assert "&lt;b&gt;&amp;\\u202e.mp4" in page
    assert page.count(".mp4") == NUM_LISTED
    assert "the sound is late" in page
    assert page.count("<img") == 3
    assert "http" not in page.replace('src="data:', "")


def test_the_worst_files_are_linked_with_their_pages_and_pictures(tmp_path: Path):
    record = record_of(video_result(scored(3.0), path="50% off.mp4"))
    with Summary(tmp_path, REFERENCE) as summary:
        summary.add(record | {"picture": "50% off.png", "page": "50% off.report.html"})
    page = (tmp_path / "summary.html").read_text()
    assert '<a href="50%25%20off.report.html">page</a>, <a href="50%25%20off.png">' in page


def test_the_page_of_files_without_a_score_says_so(tmp_path: Path):
    with Summary(tmp_path, REFERENCE) as summary:
        summary.add(records()[-1])
    assert summary.headline() == "Flagged: 0 of 0 scored files; without a score: 1."
    assert "<img" not in (tmp_path / "summary.html").read_text()


@pytest.mark.parametrize(("scores", "high"), [([0.1, 0.2], 0), ([0.1] * 500 + [9.0, 8.0], 2)])
def test_the_threshold_is_on_the_axis_and_scores_far_beyond_are_counted(scores, high):
    figure, words = draw_scores(np.array(scores), threshold=1.0)
    low, end = figure.axes[0].get_xlim()
    assert low < 0.1 < 1.0 < end < 1.1
    assert (f"counted in the last bar: {high};" in words) == bool(high)


def test_many_files_are_counted_on_the_terminal(monkeypatch):
    monkeypatch.setattr(terminal_table, "MAX_ROWS", 10)
    console = Console(width=100, record=True)
    with TerminalTable(REFERENCE) as table:
        for record in records():
            table.add(record)
    table.print_on(console)
    words = " ".join(console.export_text().split())
    assert "partly mismatched 20 consistent 10 out of sync 1 no face 1" in words
    assert "2.9.mp4" not in words
