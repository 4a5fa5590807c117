"""The table of LSE beside avsync's score, and the means in lse.json."""

import dataclasses
import json

import pytest

from avsync.reports.video.lse_report import LseReport
from avsync.scoring.lse import Lse
from avsync.scoring.video.results import VideoResult
from tests.scoring.video.results import REFERENCE, scored, video_result


def with_lse(path: str, lse: Lse) -> VideoResult:
    result = video_result(scored(0.3), path=path)
    (face,) = result.faces
    return dataclasses.replace(result, lse=lse, faces=(dataclasses.replace(face, lse=lse),))


MUTE = VideoResult(path="c.mp4", status="no_audio", message="the file has no audio stream")


def test_an_entry_has_the_lse_of_the_file_and_of_its_faces(tmp_path):
    report = LseReport(tmp_path, REFERENCE)
    report.add(with_lse("a.mp4", Lse(7.5, 6.25, offset_frames=-3, num_windows=70)))
    report.add(MUTE)
    report.close()
    first, second = json.loads((tmp_path / "scores.json").read_text())
    expected = {"lse_d": 7.5, "lse_c": 6.25, "offset_frames": -3, "num_windows": 70}
    expected |= {"offset_seconds": -0.12, "script_offset_frames": 3}
    assert first["lse"] == first["faces"][0]["lse"] == expected
    assert list(first)[:2] == ["path", "score"]
    assert "lse" not in second


def test_means_leave_out_files_without_lse_and_count_them(tmp_path, capsys):
    report = LseReport(tmp_path, REFERENCE)
    report.add(with_lse("a.mp4", Lse(7, 6, offset_frames=-3, num_windows=70)))
    report.add(MUTE)
    report.add(with_lse("b.mp4", Lse(9, 2, offset_frames=0, num_windows=20)))
    report.print_table()
    summary = json.loads((tmp_path / "lse.json").read_text())
    assert (summary["num_clips"], summary["without"]) == (2, {"no_audio": 1})
    # Of two clips, a resample in four draws the first twice.
    assert summary["lse_d"] == {"mean": 8, "low": 7, "high": 9}
    assert summary["lse_c"] == {"mean": 4, "low": 2, "high": 6}
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 100
    words = " ".join(printed.split())
    assert "a.mp4 7.000 6.000 -0.12 s 0.30 +0.00 s" in words
    assert "mean LSE-D: 8.000 [7.000, 9.000] over 2 clips" in words
    assert "not in the means: 1 no_audio" in words


@pytest.mark.parametrize(
    ("results", "line"),
    [
        ([MUTE], "mean LSE-C: none: no clip has an LSE"),
        ([with_lse("a.mp4", Lse(7, 6, 0, 70))], "mean LSE-C: 6.000 over 1 clip "),
    ],
)
def test_none_or_one_clip_has_no_interval(tmp_path, capsys, results, line):
    report = LseReport(tmp_path, REFERENCE)
    for result in results:
        report.add(result)
    report.print_table()
    assert line in " ".join(capsys.readouterr().out.split())
    summary = json.loads((tmp_path / "lse.json").read_text())
    assert summary["lse_c"]["low"] is None
