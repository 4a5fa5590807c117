"""scores.json, the printed table and the picture of scored files."""

import dataclasses
import io
import json
import os
import resource

import pytest
from matplotlib import image

from avsync.reports.drawing import to_png
from avsync.reports.video import picture
from avsync.reports.video.report import Report
from avsync.scoring.video.results import VideoResult
from tests.scoring.video.results import REFERENCE, scored, video_result

MUTE = VideoResult(path="c.mp4", status="no_audio", message="the file has no audio stream")


def test_a_report_has_one_entry_per_file_and_one_picture_per_scored_file(tmp_path, capsys):
    report = Report(tmp_path, REFERENCE)
    report.add(video_result(scored(0.3), path="a/clip.mp4"))
    late = scored(3.0, offset=5, realigned=0.5)
    report.add(video_result(late, path="b/clip.mp4"))
    report.add(MUTE)
    lines = [json.loads(line) for line in (tmp_path / "scores.jsonl").read_text().splitlines()]
    report.close()
    report.print_table()
    assert json.loads((tmp_path / "scores.json").read_text()) == lines
    first, second, third = json.loads((tmp_path / "scores.json").read_text())
    assert [first["picture"], second["picture"], third["picture"]] == [
        "clip.png",
        "clip-2.png",
        None,
    ]
    assert second["offset_frames"] == 5
    assert second["offset_seconds"] == pytest.approx(0.2)
    assert second["offset_is_certain"]
    (segment,) = second["offsets"]
    assert segment == {"start": 0, "end": 1.5, "offset_frames": 5, "offset_seconds": 0.2}
    assert "99 reference clips (one speaker)" in second["compared_with"]
    assert second["segments"] == [{"start": 1.0, "end": 1.8, "score": 2.0}]
    assert second["faces"][0]["box"] == [1, 2, 3, 4]
    assert (third["score"], third["status"], third["compared_with"]) == (None, "no_audio", None)
    assert report.num_scored == 2
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 100
    assert MUTE.message in " ".join(printed.split())
    assert "99 reference clips (one speaker) from grid, val split" in " ".join(printed.split())


def test_the_keys_of_scores_json_and_their_order_are_fixed():
    entry = video_result(scored(0.3), path="clip.mp4").to_json()
    numbers = ["score", "p_value", "offset_frames", "offset_evidence", "offset_gain", "offsets"]
    numbers += ["score_resynced", "p_value_resynced", "num_pieces", "status", "message"]
    numbers += ["offset_seconds", "relative_offset_frames", "offset_is_certain"]
    assert list(entry) == ["path", *numbers, "faces", "segments"]
    (face,) = entry["faces"]
    assert list(face) == ["start", "end", "box", "is_talking", *numbers]


def test_a_full_disk_is_named_and_what_was_reported_is_kept(tmp_path):
    report = Report(tmp_path, REFERENCE)
    report.add(MUTE)
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, unlimited[1]))  # a picture has 280 kB
    try:
        with pytest.raises(OSError, match=f"File too large: '{tmp_path / 'a.png'}'"):
            report.add(video_result(scored(0.3), path="a.mp4"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    report.close()
    assert {path.name for path in tmp_path.iterdir()} == {"scores.jsonl", "scores.json"}
    (entry,) = json.loads((tmp_path / "scores.json").read_text())
    assert entry["status"] == "no_audio"


def test_a_scored_file_whose_picture_fails_keeps_its_scores(tmp_path):
    result = video_result(scored(0.3), path="a.mp4")
    assert result.timeline is not None
    broken = result.timeline._replace(waveform=None)
    report = Report(tmp_path, REFERENCE)
    report.add(dataclasses.replace(result, timeline=broken))
    (line,) = (tmp_path / "scores.jsonl").read_text().splitlines()
    entry = json.loads(line)
    assert (entry["status"], entry["score"], entry["picture"]) == ("ok", result.score, None)
    assert "; it has no picture: " in entry["message"]


def test_a_new_report_replaces_the_results_and_half_files_of_a_killed_one(tmp_path):
    unfinished = tmp_path / f"a.png.{32 * 'f'}.part"
    unfinished.touch()
    os.utime(unfinished, (0, 0))
    (tmp_path / "own.part").touch()
    (tmp_path / "scores.json").write_text("[1]")
    (tmp_path / "scores.jsonl").write_text("1\n")
    Report(tmp_path, REFERENCE).close()
    assert {path.name for path in tmp_path.iterdir()} == {"scores.jsonl", "scores.json", "own.part"}
    assert json.loads((tmp_path / "scores.json").read_text()) == []


@pytest.mark.parametrize("seconds", [1.0, 600.0])
def test_a_picture_is_1200_pixels_wide_for_any_length(seconds):
    result = video_result(scored(0.3), path="clip.mp4", seconds=seconds)
    png = to_png(picture.draw(result, REFERENCE))
    height, width, _ = image.imread(io.BytesIO(png)).shape
    assert width == pytest.approx(1200, abs=60)
    assert height == pytest.approx(1500, abs=130)
