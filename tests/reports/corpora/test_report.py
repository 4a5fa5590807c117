"""The comparison of datasets: a row for each, and their unweighted mean."""

import json
import re

import pytest

from avsync.evaluation import corpora
from avsync.evaluation.corpora import Corpus
from avsync.evaluation.lines import Line
from avsync.reports.corpora import report

TITLES = {"checkpoint": "runs/<a>/checkpoints/7", "compared_with": "alignment"}


def corpus(
    dataset: str, fakes: list[float], *, num_reals: int = 24, offset: int = 0, moved: int = 0
) -> Corpus:
    """Real clips that score 0, and fakes."""
    lines = [
        Line(
            f"{dataset}{i}",
            "trimmed",
            int(i >= num_reals),
            manipulation="real" if i < num_reals else "swap",
            num_frames=75,
            offset_frames=offset,
            scores={"alignment": score, "leading_silence": 0.0},
        )
        for i, score in enumerate([0.0] * num_reals + fakes)
    ]
    scores = [[0.0] * 3] * len(lines)
    return Corpus(dataset, "test", lines, scores, moved, "nll", "logmeanexp", None)


CORPORA = [
    corpus("grid/by_talker", [1.0, 1.0]),  # AUC 1
    corpus("late", [-1.0, 1.0, 1.0, 1.0], offset=2, moved=2),  # AUC 0.75
    corpus("reals", []),
]


@pytest.fixture(scope="module")
def out_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpora")
    known = corpora.calibrate(corpus("late", [], offset=2, moved=2))
    pages = report.write_reports(CORPORA, folder, is_single=False, calibration=known, **TITLES)
    folders = ["grid/by_talker/test", "late/test", "reals/test", "."]
    assert list(pages) == [folder / name / "report.html" for name in folders]
    return folder


@pytest.fixture
def summary(out_dir):
    return json.loads((out_dir / "metrics.json").read_text())


def test_the_mean_over_datasets_is_unweighted_and_names_those_without_a_number(summary):
    compared = summary["views"]["trimmed"]["alignment"]
    assert {n: x["auc"] for n, x in compared["datasets"].items()} == {
        "grid/by_talker": 1.0,
        "late": 0.75,
        "reals": None,
    }
    assert (compared["mean_auc"], compared["num_datasets"]) == (0.875, 2)
    assert compared["without_auc"] == {"reals": "no fake clips"}
    assert summary["corpus_offsets"]["late"]["median_frames"] == 2


def test_each_dataset_has_a_report_of_its_own(out_dir, summary):
    for name in summary["datasets"]:
        folder = out_dir / name / "test"
        own = json.loads((folder / "metrics.json").read_text())
        assert (
            own["views"]["trimmed"]["alignment"]["auc"]
            == (summary["views"]["trimmed"]["alignment"]["datasets"][name]["auc"])
        )
        assert (folder / "scores.jsonl").exists()
    text = (out_dir / "late" / "test" / "report.html").read_text()
    assert "A/V offset of this corpus: 2 frames (0.08 s late)" in text
    assert "of all calibration clips is 2 frames (0.08 s late), and was moved back." in text


def test_the_page_has_a_row_for_each_dataset_and_for_the_mean(out_dir):
    text = (out_dir / "report.html").read_text()
    assert '<a href="grid/by_talker/test/report.html">grid/by_talker</a>' in text
    assert "Mean AUC over datasets, trimmed: alignment 0.875, n = 2, without reals;" in text
    rows = re.findall(r'<tr><th scope="row">(.*?)</th>', text)
    assert rows[:4] == ["grid/by_talker", "late", "reals", "mean over datasets"]
    assert "moved back by it before it was scored" in text
    assert "Threshold for 5% false alarms" in text
    assert not re.search("(src|href)=.https?:", text)


def test_the_terminal_says_the_same(summary, capsys):
    report.print_table(summary)
    text = capsys.readouterr().out
    assert "mean over datasets  0.875, n = 2, without reals" in text
    assert "A/V offset of late: 2 frames (0.08 s late)" in text


def test_a_single_dataset_is_reported_in_the_folder_itself(tmp_path):
    known = corpora.calibrate(corpus("late", [], offset=2, moved=2)) | {"pooling": "mean"}
    about = {"is_single": True, "calibration": known, **TITLES}
    assert list(report.write_reports(CORPORA[1:2], tmp_path, **about)) == [tmp_path / "report.html"]
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["dataset"] == "late"
    assert metrics["corpus_offset"]["realigned_frames"] == 2
    # Scores by other rules than those of the calibration have no p-values.
    assert metrics["calibration"] is None
