"""The page and the heat map of a grid of distortions, from cells written by hand."""

import pytest

from avsync.evaluation.distorted import UNDISTORTED, summarise
from avsync.reports import drawing
from avsync.reports.distortions import page, picture, report

TESTED = {
    "dataset": "grid",
    "split": "test",
    "checkpoint": "runs/<grid>",
    "limit": 40,
    "fakes": "80 fakes made of 40 real clips",
    "seed": 0,
}


def cell(name: str, strength: float, auc: float | None, *, alarms: float | None = 0.1) -> dict:
    low, high, note = (None, None, "no real clips") if auc is None else (auc - 0.1, auc + 0.05, "")
    quality = {"auc": auc, "auc_low": low, "auc_high": high, "note": note}
    return {
        "distortion": name,
        "strength": strength,
        "tested": TESTED,
        **quality,
        "num_real": 40,
        "num_fake": 80,
        "by_kind": {"swap": quality},
        "offsets": {"within_1_frame": 0.9, "num_real": 40},
        "alarms": {"rate": alarms, "low": 0.05, "high": 0.2, "note": "too few clips"},
        "found": {"share": 0.75, "num_fake": 80},
        "statuses": {"ok": 117, "too_short": 3},
    }


@pytest.fixture
def cells() -> list[dict]:
    return [
        cell(UNDISTORTED, 0, 0.95),
        cell("blur", 1, 0.9),
        cell("blur", 4, 0.6),
        cell("white_noise", 0, 0.55, alarms=None),
        cell("gain", -12, None),
    ]


def test_the_headline_has_the_means_and_names_the_worst_cell(cells):
    assert page.headline(summarise(cells)) == (
        "AUC 0.950 undistorted; mean 0.683 over 3 distorted cells (0.750 over those of the "
        "picture, 0.550 over those of the sound); worst 0.550 [0.450, 0.600]: white noise, 0 dB "
        "SNR."
    )


def test_the_table_has_a_row_for_each_cell_with_numbers_intervals_and_counts(cells):
    text = page.render(cells, summarise(cells), png=b"")
    assert text.count('<th scope="row">') == len(cells)
    assert "blur, 4 pixels (standard deviation)" in text
    for expected in ("0.600", "[0.500,", "90.0% of 40", "75.0% of 80", "40\u00a0/\u00a080"):
        assert expected in text
    assert "n/a: too few clips" in text
    assert "n/a: no real clips" in text
    assert "runs/&lt;grid&gt;" in text


def test_a_grid_without_fakes_has_no_worst_cell():
    cells = [cell(UNDISTORTED, 0, None), cell("blur", 1, None)]
    assert "No distorted cell has an AUC" in page.headline(summarise(cells))


def test_the_heat_map_shows_every_cell_in_each_panel(cells):
    figure = picture.draw(cells)
    shown = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert len(shown) == len(picture.PANELS) * len(cells)
    assert {"0.95", "0.60", "0.55", "n/a"} <= set(shown)
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["undistorted", "blur 1, 4", "white noise 0", "gain -12"]
    assert drawing.to_png(figure).startswith(b"\x89PNG")


def test_both_files_are_written_and_the_summary_is_printed(cells, tmp_path, capsys):
    report.print_table(report.write_report(cells, tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == {report.PICTURE, report.PAGE}
    printed = capsys.readouterr().out
    assert "worst: white noise, 0 dB SNR" in printed
    assert "mean over all cells" in printed
