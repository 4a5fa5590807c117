"""The numbers, pictures and page of an evaluation, from lines small enough to check by eye."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.image import imread

from avsync.reports.evaluation.report import compute_metrics, print_table, write_report

INFO = {"dataset": "talkers", "split": "test", "checkpoint": "runs/a/checkpoints/7"}
SWAP, FROZEN = ("RV-FA", "swap"), ("FV-RA", "frozen_0.8s")


def clip(clip_id, alignment, *, kind=None, silence=(0.0, 0.0), offset=0, status="ok"):
    """The two lines of a clip: `alignment` and `silence` as (original, trimmed)."""
    category, manipulation = kind or ("RV-RA", "real")
    return [
        {
            "clip_id": clip_id,
            "view": view,
            "label": int(kind is not None),
            "category": category,
            "manipulation": manipulation,
            "num_frames": 75,
            "offset_frames": offset,
            "status": status,
            "scores": {"alignment": alignment[index], "leading_silence": silence[index]},
        }
        for index, view in enumerate(("original", "trimmed"))
    ]


def shortcut_lines():
    """Four reals and four fakes: silence gives the fakes away until it is trimmed."""
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
    """What `print_table` prints."""

    def printed(metrics):
        print_table(metrics)
        return capsys.readouterr().out

    return printed


def test_the_shortcut_vanishes_when_trimmed_and_alignment_does_not():
    views = compute_metrics(shortcut_lines(), **INFO)["views"]
    assert views["original"]["leading_silence"]["auc"] == 1.0
    assert views["trimmed"]["leading_silence"]["auc"] == 0.5
    # Of the 16 pairs only one is the wrong way round: the real 2.1 above the fake 2.0.
    assert views["original"]["alignment"]["auc"] == views["trimmed"]["alignment"]["auc"] == 15 / 16


def test_each_kind_of_fake_is_ranked_against_all_reals():
    result = compute_metrics(shortcut_lines(), **INFO)["views"]["trimmed"]["alignment"]
    assert list(result["by_category"]) == ["RV-FA", "FV-RA"]
    assert list(result["by_manipulation"]) == ["frozen_0.8s", "swap"]
    swap = result["by_manipulation"]["swap"]
    assert (swap["auc"], swap["num_real"], swap["num_fake"]) == (7 / 8, 4, 2)
    assert result["by_category"]["FV-RA"]["auc"] == 1.0


def test_the_drop_is_that_of_the_same_clips():
    delta = compute_metrics(shortcut_lines(), **INFO)["delta"]
    assert (delta["leading_silence"]["auc_drop"], delta["alignment"]["auc_drop"]) == (0.5, 0.0)
    assert delta["leading_silence"]["auc_drop_low"] == 0.5


def test_offsets_are_those_of_the_reals():
    offsets = compute_metrics(shortcut_lines(), **INFO)["offsets"]["trimmed"]
    # The reals are 0, 1, 2 and 3 frames off.
    assert (offsets["exact"], offsets["within_1_frame"]) == (0.25, 0.5)
    assert (offsets["median_frames"], offsets["num_real"]) == (1.5, 4)


@pytest.mark.parametrize("nothing", [None, float("nan"), float("inf")])
def test_a_clip_that_could_not_be_scored_is_counted_not_dropped(nothing, table_text):
    silent = clip("f9", (2.5, nothing), kind=SWAP, status="all_silent")
    metrics = compute_metrics([*shortcut_lines(), *silent], **INFO)
    trimmed = metrics["views"]["trimmed"]["alignment"]
    assert (trimmed["num_fake"], trimmed["num_unscored"]) == (4, 1)
    assert metrics["views"]["original"]["alignment"]["num_unscored"] == 0
    assert metrics["delta"]["alignment"]["num_unpaired"] == 1
    assert metrics["statuses"]["trimmed"] == {"all_silent": 1, "ok": 8}
    assert "alignment, trimmed: 1 of 9 clips unscored." in table_text(metrics)


def test_without_reals_the_report_says_so_and_shows_no_number(tmp_path, table_text):
    fakes = [line for line in shortcut_lines() if line["label"] == 1]
    metrics = write_report(fakes, tmp_path, **INFO)
    result = metrics["views"]["trimmed"]["alignment"]
    assert (result["auc"], result["ap"], result["note"]) == (None, None, "no real clips")
    assert metrics["offsets"]["trimmed"]["median_frames"] is None
    assert "n/a: no real clips" in table_text(metrics)
    assert "n/a (no real clips)" in (tmp_path / "report.html").read_text()


def test_one_view_alone_has_no_drop(tmp_path, table_text):
    original = [line for line in shortcut_lines() if line["view"] == "original"]
    metrics = write_report(original, tmp_path, **INFO)
    assert list(metrics["views"]) == ["original"]
    assert metrics["delta"]["alignment"]["note"] == "there is only one view"
    assert "trimmed" not in table_text(metrics).splitlines()[2]
    page = (tmp_path / "report.html").read_text()
    assert "leading silence alone: 1.00 (original view)" in page


def test_lines_without_alignment_are_reported_all_the_same(tmp_path, table_text):
    lines = shortcut_lines()
    for line in lines:
        line["scores"] = {"num_frames": line["num_frames"]}
    metrics = write_report(lines, tmp_path, **INFO)
    assert metrics["views"]["original"]["num_frames"]["auc"] == 0.5
    assert "num frames" in table_text(metrics)


def test_fakes_of_unsaid_kind_are_called_unknown():
    lines = [dict(line, category="", manipulation="") for line in shortcut_lines()]
    result = compute_metrics(lines, **INFO)["views"]["original"]["alignment"]
    assert list(result["by_category"]) == list(result["by_manipulation"]) == ["unknown"]


def test_a_clip_with_two_lines_in_a_view_is_refused():
    lines = shortcut_lines()
    with pytest.raises(ValueError, match="clip r0 has two lines in view 'original'"):
        compute_metrics([*lines, lines[0]], **INFO)


def test_views_that_disagree_on_a_label_are_refused():
    lines = shortcut_lines()
    lines[1]["label"] = 1
    with pytest.raises(ValueError, match="clip r0 has label 0 in the original view and 1"):
        compute_metrics(lines, **INFO)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"view": "trimed"}, "clip r0: view must be one of .* got 'trimed'"),
        ({"label": 2}, "clip r0: label must be 0 or 1, got 2"),
    ],
)
def test_a_line_that_makes_no_sense_is_refused_by_name(change, message):
    first, *rest = shortcut_lines()
    with pytest.raises(ValueError, match=message):
        compute_metrics([{**first, **change}, *rest], **INFO)


def test_nothing_evaluated_is_an_error():
    with pytest.raises(ValueError, match="there are no scored clips"):
        compute_metrics([], **INFO)


def test_what_is_written_is_what_is_returned_and_the_same_every_time(tmp_path, report_dir):
    metrics = write_report(iter(shortcut_lines()), tmp_path, **INFO)
    assert json.loads((tmp_path / "metrics.json").read_text()) == metrics
    names = ["metrics.json", "report.html", "roc.png", "scores.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    for name in names:
        assert (tmp_path / name).read_bytes() == (report_dir / name).read_bytes()


def test_the_pictures_show_both_classes_in_their_colours(report_dir):
    for name in ("roc.png", "scores.png"):
        pixels = imread(report_dir / name)[..., :3]
        for blue_or_vermillion in ((0, 0x72, 0xB2), (0xD5, 0x5E, 0)):
            distance = np.abs(pixels - np.array(blue_or_vermillion) / 255).max(axis=-1)
            assert (distance < 0.02).sum() > 500, name


def test_the_page_needs_nothing_but_itself(report_dir):
    page = (report_dir / "report.html").read_text()
    sources = re.findall(r"""(?:src|href)=["']?([^"'>]{0,30})""", page)
    within = ("data:image/png;base64,", "#")
    assert {source.startswith(within) for source in sources} == {True}
    assert "<script" not in page
    assert "url(" not in page


def test_the_page_says_the_finding_in_a_sentence(report_dir):
    finding = "AUC of leading silence alone: 1.00 → 0.50 when trimmed; of alignment: 0.94 → 0.94."
    assert finding in (report_dir / "report.html").read_text()


def test_names_cannot_break_the_page_or_the_table(tmp_path, table_text):
    strange = {**INFO, "dataset": "<b>[red]a&b"}
    metrics = write_report(shortcut_lines(), tmp_path, **strange)
    assert "&lt;b&gt;[red]a&amp;b" in (tmp_path / "report.html").read_text()
    assert "<b>[red]a&b" in table_text(metrics)


def test_the_table_fits_a_hundred_columns_and_keeps_each_score_on_one_line(table_text):
    text = table_text(compute_metrics(shortcut_lines(), **INFO))
    rows = text.splitlines()
    assert max(len(row.rstrip()) for row in rows) <= 108
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
