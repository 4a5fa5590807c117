"""The numbers, figures, page and table of an evaluation, from lines few enough to check by eye."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.image import imread

from avsync.evaluation.lines import Line, by_view
from avsync.evaluation.summary import compute_metrics
from avsync.reports.evaluation import figures
from avsync.reports.evaluation.report import print_table, render, write_report
from avsync.reports.text import TERMINAL_COLUMNS

INFO = {"dataset": "talkers", "split": "test", "checkpoint": "runs/a/checkpoints/7"}
SWAP, FROZEN = ("RV-FA", "swap"), ("FV-RA", "frozen_0.8s")


def clip(clip_id, alignment, *, kind=None, silence=(0.0, 0.0), offset=0, status="ok"):
    """The two lines of a clip: `alignment` and `silence` as (original, trimmed)."""
    category, manipulation = kind or ("RV-RA", "real")
    return [
        Line(
            clip_id,
            view,
            int(kind is not None),
            category=category,
            manipulation=manipulation,
            num_frames=75,
            offset_frames=offset,
            status=status,
            scores={"alignment": alignment[index], "leading_silence": silence[index]},
        )
        for index, view in enumerate(("original", "trimmed"))
    ]


def shortcut_lines():
    """Four real and four fake clips: silence gives the fakes away until it is trimmed."""
    reals = [(1.0, 1.1), (1.2, 1.2), (1.4, 1.3), (2.1, 2.1)]
    fakes = [(2.0, 2.0, SWAP), (2.2, 2.2, SWAP), (3.0, 3.1, FROZEN), (3.2, 3.3, FROZEN)]
    lines = [clip(f"r{i}", pair, offset=i) for i, pair in enumerate(reals)]
    for i, (original, trimmed, kind) in enumerate(fakes):
        lines.append(
            clip(f"f{i}", (original, trimmed), kind=kind, silence=(0.04, 0.0), offset=None)
        )
    return [line for pair in lines for line in pair]


@pytest.fixture(scope="module")
def report_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    write_report(shortcut_lines(), folder, **INFO)
    return folder


@pytest.fixture
def table_text(capsys):
    """The text that `print_table` prints."""

    def printed(metrics):
        print_table(metrics)
        return capsys.readouterr().out

    return printed


def test_trimming_removes_the_shortcut_and_leaves_alignment():
    views = compute_metrics(shortcut_lines(), **INFO)["views"]
    assert views["original"]["leading_silence"]["auc"] == 1.0
    assert views["trimmed"]["leading_silence"]["auc"] == 0.5
    # One of 16 pairs is ranked wrongly: the real clip at 2.1 above the fake at 2.0.
    assert views["original"]["alignment"]["auc"] == views["trimmed"]["alignment"]["auc"] == 15 / 16


def test_each_kind_of_fake_is_ranked_against_all_real_clips():
    result = compute_metrics(shortcut_lines(), **INFO)["views"]["trimmed"]["alignment"]
    assert list(result["by_category"]) == ["RV-FA", "FV-RA"]
    assert list(result["by_manipulation"]) == ["frozen_0.8s", "swap"]
    swap = result["by_manipulation"]["swap"]
    assert (swap["auc"], swap["num_real"], swap["num_fake"]) == (7 / 8, 4, 2)
    assert result["by_category"]["FV-RA"]["auc"] == 1.0


def test_the_drop_is_computed_on_the_same_clips():
    delta = compute_metrics(shortcut_lines(), **INFO)["delta"]
    assert (delta["leading_silence"]["auc_drop"], delta["alignment"]["auc_drop"]) == (0.5, 0.0)
    assert delta["leading_silence"]["auc_drop_low"] == 0.5


def test_offsets_are_those_of_the_real_clips():
    offsets = compute_metrics(shortcut_lines(), **INFO)["offsets"]["trimmed"]
    # The offsets of the real clips are 0, 1, 2 and 3 frames.
    assert (offsets["exact"], offsets["within_1_frame"]) == (0.25, 0.5)
    assert (offsets["median_frames"], offsets["num_real"]) == (1.5, 4)


@pytest.mark.parametrize("nothing", [None, float("nan"), float("inf")])
def test_an_unscored_clip_is_counted_not_dropped(nothing, table_text):
    unscored = clip("f9", (2.5, nothing), kind=SWAP)
    metrics = compute_metrics([*shortcut_lines(), *unscored], **INFO)
    trimmed = metrics["views"]["trimmed"]["alignment"]
    assert (trimmed["num_fake"], trimmed["num_unscored"]) == (4, 1)
    assert metrics["views"]["original"]["alignment"]["num_unscored"] == 0
    assert metrics["delta"]["alignment"]["num_unpaired"] == 1
    assert "alignment, trimmed: 1 of 9 clips unscored." in table_text(metrics)


def test_a_clip_that_is_not_judged_is_counted_beside_every_number_and_in_none(table_text):
    short = clip("f9", (9.0, 9.0), kind=SWAP, status="too_short")
    judged, metrics = (compute_metrics([*shortcut_lines(), *more], **INFO) for more in ([], short))
    for view in ("original", "trimmed"):
        before, after = (each["views"][view]["alignment"] for each in (judged, metrics))
        assert (after["auc"], after["num_fake"], after["num_unscored"]) == (before["auc"], 4, 1)
        assert metrics["statuses"][view] == {"ok": 8, "too_short": 1}
    text = table_text(metrics)
    assert "4 / 4, 1 left out" in text
    assert "Clips, trimmed: 8 ok, 1 too_short (left out of every number)." in text
    assert "unscored" not in text


def test_a_report_on_clips_of_which_none_is_judged_has_no_number(tmp_path, table_text):
    lines = [line.replace(status="too_short") for line in shortcut_lines()]
    metrics = write_report(lines, tmp_path, **INFO, frame_scores=[[1.0] * 20] * len(lines))
    for result in metrics["views"]["trimmed"].values():
        assert (result["auc"], result["ap"], result["num_unscored"]) == (None, None, 8)
    assert metrics["delta"]["alignment"]["auc_drop"] is None
    assert metrics["localisation"] == {}
    assert metrics["offsets"]["trimmed"]["exact"] is None
    assert metrics["offsets"]["trimmed"]["num_unmeasured"] == 4
    text = table_text(metrics)
    assert "8 left out" in text and "n/a: none of 4 real clips was measured" in text


def test_without_real_clips_every_number_is_replaced_by_the_reason(tmp_path, table_text):
    fakes = [line for line in shortcut_lines() if not line.is_real]
    metrics = write_report(fakes, tmp_path, **INFO)
    result = metrics["views"]["trimmed"]["alignment"]
    assert (result["auc"], result["ap"], result["note"]) == (None, None, "no real clips")
    assert metrics["offsets"]["trimmed"]["median_frames"] is None
    assert "n/a: no real clips" in table_text(metrics)
    assert "n/a (no real clips)" in (tmp_path / "report.html").read_text()


def test_one_view_alone_has_no_drop(tmp_path, table_text):
    original = [line for line in shortcut_lines() if line.view == "original"]
    metrics = write_report(original, tmp_path, **INFO)
    assert list(metrics["views"]) == ["original"]
    assert metrics["delta"]["alignment"]["note"] == "only one view"
    assert "trimmed" not in table_text(metrics).splitlines()[2]
    page = (tmp_path / "report.html").read_text()
    assert "AUC, original view: alignment 0.94; leading silence 1.00." in page


def test_lines_without_an_alignment_score_are_reported(tmp_path, table_text):
    lines = [
        line.replace(scores={"num_frames": float(line.num_frames)}) for line in shortcut_lines()
    ]
    metrics = write_report(lines, tmp_path, **INFO)
    assert metrics["views"]["original"]["num_frames"]["auc"] == 0.5
    assert "num frames" in table_text(metrics)


def test_fakes_without_a_kind_are_called_unknown():
    lines = [line.replace(category="", manipulation="") for line in shortcut_lines()]
    result = compute_metrics(lines, **INFO)["views"]["original"]["alignment"]
    assert list(result["by_category"]) == list(result["by_manipulation"]) == ["unknown"]


def test_views_that_disagree_on_a_label_are_refused():
    first, second, *others = shortcut_lines()
    with pytest.raises(ValueError, match="clip r0 has label 0 in the original view and 1"):
        compute_metrics([first, second.replace(label=1), *others], **INFO)


def test_the_files_hold_what_is_returned_and_are_the_same_every_time(tmp_path, report_dir):
    metrics = write_report(iter(shortcut_lines()), tmp_path, **INFO)
    assert json.loads((tmp_path / "metrics.json").read_text()) == metrics
    names = ["metrics.json", "overview.png", "report.html", "roc.png", "scores.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    for name in names:
        assert (tmp_path / name).read_bytes() == (report_dir / name).read_bytes()


def test_the_figures_show_both_classes_in_their_colours(report_dir):
    for name in ("overview.png", "roc.png", "scores.png"):
        pixels = imread(report_dir / name)[..., :3]
        for blue_or_vermillion in ((0, 0x72, 0xB2), (0xD5, 0x5E, 0)):
            distance = np.abs(pixels - np.array(blue_or_vermillion) / 255).max(axis=-1)
            assert (distance < 0.02).sum() > 500, name


def test_the_page_loads_nothing_from_elsewhere(report_dir):
    page = (report_dir / "report.html").read_text()
    sources = re.findall(r"""(?:src|href)=["']?([^"'>]{0,30})""", page)
    within = ("data:image/png;base64,", "#")
    assert {source.startswith(within) for source in sources} == {True}
    assert "<script" not in page
    assert "url(" not in page


def test_the_page_has_the_headline_and_every_section(report_dir):
    page = (report_dir / "report.html").read_text()
    headline = (
        "Trimming removes the leading-silence shortcut (AUC 1.00 → 0.50); alignment keeps its AUC "
        "(0.94 → 0.94)."
    )
    assert f'<p class="headline">{headline}</p>' in page
    assert re.findall("<h2>(.*?)</h2>", page) == [
        "Scores",
        "Effect of trimming",
        "Score distributions",
        "ROC curves",
        "Other measures",
        "By kind of fake",
        "Compared with alignment",
        "A/V offset of real clips",
        "Clips",
        "How to read this",
    ]


def test_the_page_has_groups_thresholds_and_speakers():
    lines = [
        line.replace(identity=line.clip_id, attributes={"gender": "female"})
        for line in shortcut_lines()
    ]
    scores = {
        "trim": "leading",
        "frame": "nll",
        "pooling": "mean",
        "scores": [0.1 * i for i in range(50)],
    }
    metrics = compute_metrics(
        lines, **INFO, calibration={"dataset": "talkers", "split": "val", **scores}
    )
    page = render(metrics, pictures="")
    for cell in ("By gender", "female", "Equal error rate", "TPR at 1% FPR", ", n = 8"):
        assert cell in page
    thresholds = page.split("Thresholds from real clips alone</h2>")[1]
    assert "it takes 99" in thresholds
    assert "<td>4.8000</td>" in thresholds


def test_the_overview_has_a_panel_per_score_and_a_row_with_the_auc_per_view():
    lines = shortcut_lines()
    figure = figures.draw_overview(by_view(lines), compute_metrics(lines, **INFO))
    alignment, silence = figure.axes
    assert (alignment.get_title(), silence.get_title()) == ("Alignment", "Leading silence")
    assert [label.get_text() for label in silence.get_yticklabels()] == ["original", "trimmed"]
    assert [text.get_text() for text in silence.texts] == [
        "AUC 1.000 [1.000, 1.000]",
        "AUC 0.500 [0.500, 0.500]",
    ]
    assert "removes the leading-silence shortcut" in figure.get_suptitle()


def test_names_with_markup_are_shown_as_they_are(tmp_path, table_text):
    strange = {**INFO, "dataset": "<b>[red]a&b"}
    metrics = write_report(shortcut_lines(), tmp_path, **strange)
    assert "&lt;b&gt;[red]a&amp;b" in (tmp_path / "report.html").read_text()
    assert "<b>[red]a&b" in table_text(metrics)


def test_the_table_fits_the_terminal_and_has_one_line_per_score(table_text):
    text = table_text(compute_metrics(shortcut_lines(), **INFO))
    rows = text.splitlines()
    assert max(len(row.rstrip()) for row in rows) <= TERMINAL_COLUMNS
    aucs = "1.000 [1.000, 1.000]  0.500 [0.500, 0.500]  0.500 [0.500, 0.500]"
    (silence,) = [row for row in rows if "leading silence" in row]
    assert re.sub("  +", "  ", silence).strip() == f"leading silence  {aucs}  4 / 4"
    assert any(row.strip().startswith("frozen_0.8s") for row in rows)


def test_a_report_is_made_without_jax_and_tensorflow():
    code = (
        "import avsync.reports.evaluation.report, sys; "
        "print({'jax', 'tensorflow'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
