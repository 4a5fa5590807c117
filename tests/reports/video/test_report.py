"""The folder of a scored job: records, pictures, and what is said about all files."""

import dataclasses
import io
import json
import os
import re
import resource
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from matplotlib import image
from matplotlib.text import Text

from avsync.media.reading import DirectReader
from avsync.reports.video import picture
from avsync.reports.video.job import Explained
from avsync.reports.video.report import Report, draw_png, picture_names
from avsync.reports.video.result_folder import open_folder
from avsync.scoring.video.results import VideoResult
from avsync.scoring.video.segments import Segment
from avsync.scoring.video.video_scorer import Origin
from tests.scoring.video.results import REFERENCE, scored, video_result

MUTE = VideoResult(path="c.mp4", status="no_audio", message="the file has no audio stream")

ORIGIN = Origin("m" * 16, "c" * 16)


class Reader(DirectReader):
    """Calls functions; no file is read."""

    def __init__(self) -> None:
        pass


@pytest.fixture
def reader() -> DirectReader:
    return Reader()


def write(
    out: Path, results: Sequence[VideoResult], reader: DirectReader, **options: Any
) -> Report:
    """The report of a job with these results, complete in `out`."""
    paths = [Path(result.path) for result in results]
    with open_folder(out) as folder:
        folder.check_settings({})
        explained = Explained(**options)
        report = Report(folder, paths, REFERENCE, origin=ORIGIN, explained=explained)
        for path, result in zip(paths, results, strict=True):
            report.add(report.finish(path, result, reader))
        folder.close()
        report.write_all([])
    return report


def test_a_report_has_one_record_per_file_and_one_picture_per_scored_file(tmp_path, reader, capsys):
    late = scored(3.0, offset=5, realigned=0.5)
    results = [video_result(scored(0.3), path="a/clip.mp4"), video_result(late, path="b/clip.mp4")]
    report = write(tmp_path, [*results, MUTE], reader)
    report.print_all()
    lines = [json.loads(line) for line in (tmp_path / "scores.jsonl").read_text().splitlines()]
    _, second, third = lines
    assert json.loads((tmp_path / "scores.json").read_text()) == lines
    assert [line["picture"] for line in lines] == ["clip.png", "clip-2.png", None]
    assert second["verdict"] == "out_of_sync"
    assert second["offset_frames"] == 5
    assert second["offset_seconds"] == pytest.approx(0.2)
    assert second["offset_is_certain"]
    (segment,) = second["offsets"]
    assert segment == {"start": 0, "end": 1.5, "offset_frames": 5, "offset_seconds": 0.2}
    assert "99 reference clips (one speaker)" in second["compared_with"]
    assert second["segments"] == [{"start": 1.0, "end": 1.8, "score": 2.0}]
    assert second["faces"][0]["box"] == [1, 2, 3, 4]
    assert second["thresholds"] == {"score": REFERENCE.threshold, "false_alarm_rate": 0.05}
    assert (second["model"], second["sha256"]) == ("m" * 16, None)  # there is no such file
    assert (third["score"], third["status"], third["compared_with"]) == (None, "no_audio", None)
    assert report.num_scored == 2
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= max(100, len(f"details: {tmp_path}"))
    assert MUTE.message in " ".join(printed.split())
    assert "99 reference clips (one speaker) from grid, val split" in " ".join(printed.split())


def test_the_order_of_the_fields_that_scripts_rely_on_is_fixed(tmp_path, reader):
    (tmp_path / "c.mp4").write_bytes(b"abc")
    write(tmp_path, [dataclasses.replace(MUTE, path=str(tmp_path / "c.mp4"))], reader)
    record = json.loads((tmp_path / "scores.jsonl").read_text())
    fields = ["path", "sha256", "status", "verdict", "message", "score", "p_value"]
    fields += ["offset_frames", "offset_seconds", "offset_is_certain", "faces", "segments"]
    assert list(record)[: len(fields)] == fields
    assert list(record)[-2:] == ["model", "version"]
    assert record["sha256"].startswith("ba7816bf8f01cfea")  # FIPS 180-4, example of "abc"
    assert record["bytes"] == 3


@pytest.mark.parametrize(("pictures", "number"), [("flagged", 1), ("none", 0)])
def test_pictures_are_of_flagged_files_or_of_none(tmp_path, reader, pictures, number):
    results = [video_result(scored(score), path=f"{score}.mp4") for score in (0.3, 3.0)]
    write(tmp_path, results, reader, pictures=pictures)
    assert len(list(tmp_path.glob("*.png"))) == number


def test_a_full_disk_is_named_and_what_was_reported_is_kept(tmp_path, reader):
    paths = [Path("c.mp4"), Path("a.mp4")]
    with open_folder(tmp_path) as folder:
        report = Report(folder, paths, REFERENCE, origin=ORIGIN, explained=Explained())
        report.add(report.finish(paths[0], MUTE, reader))
        finished = report.finish(paths[1], video_result(scored(0.3), path="a.mp4"), reader)
        unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, unlimited[1]))  # a picture has 280 kB
        try:
            with pytest.raises(OSError, match=f"File too large: '{tmp_path / 'a.png'}'"):
                report.add(finished)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
        report.write_unfinished()
    assert {path.name for path in tmp_path.iterdir()} == {
        *("scores.jsonl", "scores.json", "scores.csv", "scores.lock")
    }
    (entry,) = json.loads((tmp_path / "scores.json").read_text())
    assert entry["status"] == "no_audio"


def test_a_scored_file_whose_picture_fails_keeps_its_scores(tmp_path, reader):
    result = video_result(scored(0.3), path="a.mp4")
    assert result.timeline is not None
    broken = result.timeline._replace(waveform=None)
    write(tmp_path, [dataclasses.replace(result, timeline=broken)], reader)
    entry = json.loads((tmp_path / "scores.jsonl").read_text())
    assert (entry["status"], entry["score"], entry["picture"]) == ("ok", result.score, None)
    assert "; it has no picture: " in entry["message"]


def test_a_scored_file_that_cannot_be_read_again_has_a_picture_and_no_page(tmp_path, reader):
    path = str(tmp_path / "gone.mp4")
    write(tmp_path, [video_result(scored(0.3), path=path)], reader, with_pages=True)
    entry = json.loads((tmp_path / "scores.jsonl").read_text())
    assert (entry["picture"], entry["page"]) == ("gone.png", None)
    assert re.search("; it has no page: .*gone.mp4", entry["message"])


def test_half_files_of_a_killed_job_are_removed_and_others_stay(tmp_path):
    unfinished = tmp_path / f"a.png.{32 * 'f'}.part"
    unfinished.touch()
    os.utime(unfinished, (0, 0))
    (tmp_path / "own.part").touch()
    with open_folder(tmp_path):
        pass
    assert not unfinished.exists()
    assert (tmp_path / "own.part").exists()


def test_pictures_of_one_name_are_numbered_in_order_and_keep_their_names():
    paths = [Path(f"{folder}/clip.mp4") for folder in "abc"] + [Path("d/Clip-2.mp4")]
    given = picture_names(paths, {})
    assert list(given.values()) == ["clip.png", "clip-2.png", "clip-3.png", "Clip-2-2.png"]
    assert picture_names(paths, {"b/clip.mp4": "clip-2.png"}) == given
    # A file of an earlier job has the name; another one was added in front of it.
    assert picture_names(paths[:2], {"b/clip.mp4": "clip.png"})["a/clip.mp4"] == "clip-2.png"
    assert picture_names([Path("e/clip.mov")], {"x/clip.mp4": "CLIP.png"}) == {
        "e/clip.mov": "clip-2.png"
    }


def test_a_picture_of_a_file_that_fits_shows_no_mouths_and_one_line_of_caution():
    results = (scored(0.3, segments=()), scored(3.0))
    fits, mismatched = (
        picture.draw(video_result(result, path="a.mp4"), REFERENCE) for result in results
    )
    assert len(mismatched.axes) == len(fits.axes) + 1  # one moment
    (caution,) = [text for text in fits.texts if "99 reference clips" in text.get_text()][-1:]
    assert "\n" not in caution.get_text()
    # No line at the threshold of whole clips: frame scores are no clip scores.
    scores = fits.axes[1]
    assert {line.get_linestyle() for line in scores.lines} == {"-"}


@pytest.mark.parametrize("seconds", [1.0, 600.0])
def test_a_picture_has_the_same_size_for_any_length(seconds):
    result = video_result(scored(0.3), path="clip.mp4", seconds=seconds)
    pixels = image.imread(io.BytesIO(draw_png(result, REFERENCE)))
    assert pixels.shape[:2] == (1500, 1200)


@pytest.mark.parametrize("name", ["clip.mp4", "W" * 251 + ".mp4", "\U0001f600" * 60 + ".mp4"])
@pytest.mark.parametrize("segments", [(), (Segment(1.0, 1.8, 3.0),)])
def test_no_text_of_a_picture_is_cut_off_or_over_a_panel(name, segments):
    result = video_result(scored(3.0, segments=segments), path=name)
    figure = picture.draw(result, REFERENCE)
    figure.draw_without_rendering()
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text():
            box = text.get_window_extent()
            assert figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1, text.get_text()
            assert figure.bbox.y0 <= box.y0 and box.y1 <= figure.bbox.y1, text.get_text()
    around: list[Any] = [axes.get_tightbbox() for axes in figure.axes]
    title, caution = (text.get_window_extent() for text in figure.texts)
    for i, box in enumerate(around):
        others = [title, caution, *around[:i]]
        assert not any(box.overlaps(other) for other in others), figure.axes[i].get_title()
