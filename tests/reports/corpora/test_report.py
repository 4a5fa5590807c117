"""The comparison of datasets: a row for each, their unweighted mean, and those that failed."""

import json
import re

import pytest

from avsync.evaluation import calibration, corpora
from avsync.evaluation.corpora import Corpus
from avsync.evaluation.lines import Line
from avsync.reports.corpora import page
from avsync.reports.corpora.report import Reports, print_table

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
    known = corpora.calibrate([corpus("late", [], offset=2, moved=2)])
    names = [one.dataset for one in CORPORA]
    reports = Reports(folder, known, datasets=[*names, "lost"], **TITLES)
    assert [reports.add(one).parent.name for one in CORPORA] == ["grid_by_talker", "late", "reals"]
    reports.close({"lost": "lost is <not> prepared"})
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
    assert summary["failed"] == {"lost": "lost is <not> prepared"}
    assert summary["corpus_offsets"]["late"]["median_frames"] == 2


def test_each_dataset_has_a_report_of_its_own(out_dir, summary):
    for name in summary["datasets"]:
        folder = out_dir / page.folder(name)
        own = json.loads((folder / "metrics.json").read_text())
        assert own["views"]["trimmed"]["alignment"]["auc"] == (
            summary["views"]["trimmed"]["alignment"]["datasets"][name]["auc"]
        )
        assert (folder / "scores.jsonl").exists()
    text = (out_dir / "late" / "report.html").read_text()
    assert "A/V offset of this corpus: 2 frames (0.08 s late)" in text
    assert "late: all sound is 2 frames (0.08 s late), and was moved back." in text


def test_the_page_has_a_row_for_each_dataset_and_for_the_mean(out_dir):
    text = (out_dir / "report.html").read_text()
    assert '<a href="grid_by_talker/report.html">grid/by_talker</a>' in text
    assert "Mean AUC over datasets, trimmed: alignment 0.875, n = 2, without reals;" in text
    assert "Not evaluated: lost." in text and "lost is &lt;not&gt; prepared" in text
    rows = re.findall(r'<tr><th scope="row">(.*?)</th>', text)
    assert rows[:4] == ["grid/by_talker", "late", "reals", "mean over datasets"]
    assert "moved back by it before it was scored" in text
    assert "Threshold for 5% false alarms" in text
    assert not re.search("(src|href)=.https?:", text)


def test_the_terminal_says_the_same(summary, capsys):
    print_table(summary)
    text = capsys.readouterr().out
    assert "mean over datasets  0.875, n = 2, without reals" in text
    assert "A/V offset of late: 2 frames (0.08 s late)" in text
    assert "Not evaluated: lost: lost is <not> prepared" in text


def test_a_single_dataset_is_reported_in_the_folder_itself(tmp_path):
    reports = Reports(tmp_path, None, datasets=["late"], **TITLES)
    assert reports.add(CORPORA[1]) == tmp_path / "report.html"
    reports.close({})
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["dataset"] == "late"
    assert metrics["corpus_offset"]["realigned_frames"] == 2


def test_an_evaluation_of_no_dataset_fails(tmp_path):
    reports = Reports(tmp_path, None, datasets=["a", "b"], **TITLES)
    with pytest.raises(ValueError, match="none of these datasets was evaluated: a, b"):
        reports.close({"a": "not found", "b": "damaged"})


def test_p_values_need_a_calibration_by_the_same_rules():
    known = corpora.calibrate([CORPORA[2]])
    judged, matching = corpora.judged(CORPORA[0], known)
    assert matching == known and judged[0].is_calibrated
    other = calibration.pool([{**known, "pooling": "mean"}])
    judged, matching = corpora.judged(CORPORA[0], other)
    assert matching is None and not judged[0].is_calibrated
