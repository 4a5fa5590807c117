"""The table of LSE beside avsync's score, and the means in lse.json."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.console import Console

from avsync.reports.video.lse_report import LseReport
from avsync.reports.video.record import lse_of
from avsync.scoring.lse import Lse
from avsync.scoring.video.results import VideoResult
from tests.reports.video.records import record_of
from tests.scoring.video.results import scored, video_result


def with_lse(path: str, lse: Lse) -> VideoResult:
    result = video_result(scored(0.3), path=path)
    (face,) = result.faces
    return dataclasses.replace(result, lse=lse, faces=(dataclasses.replace(face, lse=lse),))


MUTE = VideoResult(path="c.mp4", status="no_audio", message="the file has no audio stream")


def write(out: Path, results: Sequence[VideoResult]) -> str:
    """What is printed; lse.json is in `out`."""
    with LseReport(out) as report:
        for result in results:
            report.add(record_of(result))
    console = Console(width=100, record=True)
    report.print_on(console)
    return console.export_text()


def test_a_record_has_the_lse_of_the_file_and_of_its_faces():
    lse = Lse(7.5, 6.25, offset_frames=-3, num_windows=70)
    record = record_of(with_lse("a.mp4", lse))
    expected = {"lse_d": 7.5, "lse_c": 6.25, "offset_frames": -3, "num_windows": 70}
    expected |= {"offset_seconds": -0.12, "script_offset_frames": 3}
    assert record["lse"] == record["faces"][0]["lse"] == expected
    assert lse_of(json.loads(json.dumps(record))) == lse
    assert "lse" not in record_of(MUTE)


def test_means_leave_out_files_without_lse_and_count_them(tmp_path):
    one, other = Lse(7, 6, offset_frames=-3, num_windows=70), Lse(9, 2, 0, num_windows=20)
    printed = write(tmp_path, [with_lse("a.mp4", one), MUTE, with_lse("b.mp4", other)])
    summary = json.loads((tmp_path / "lse.json").read_text())
    assert (summary["num_clips"], summary["without"]) == (2, {"no_audio": 1})
    # Of two clips, a resample in four draws the first twice.
    assert summary["lse_d"] == {"mean": 8, "low": 7, "high": 9}
    assert summary["lse_c"] == {"mean": 4, "low": 2, "high": 6}
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
def test_none_or_one_clip_has_no_interval(tmp_path, results, line):
    assert line in " ".join(write(tmp_path, results).split())
    summary = json.loads((tmp_path / "lse.json").read_text())
    assert summary["lse_c"]["low"] is None
