"""avsync-score as a user runs it: on odd and broken files, and with wrong arguments."""

import csv
import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib import image

from avsync import pretrained
from tests import odd_files
from tests.conftest import Run
from tests.media.conftest import write_media
from tests.scoring.video.checkpoints import write_untrained

__all__ = ["write_media"]  # a fixture of the decoding tests


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_untrained(tmp_path_factory.mktemp("untrained"))


@pytest.mark.grid
def test_each_odd_or_broken_file_has_its_status_and_the_others_are_scored(
    testdata, checkpoint, tmp_path, run_binary: Run, write_media
):
    folder = tmp_path / "videos"
    folder.mkdir()
    clip = testdata / "grid_s1" / "video" / "bbaf2n.mkv"
    expected = odd_files.write_all(clip, folder, write_media)
    out = tmp_path / "scores"
    (folder / ".hidden.mkv").symlink_to(clip)
    (folder / "loop").symlink_to(folder)
    missing = folder / "missing.mp4"
    places = [folder, folder / "audio_only.mka", folder / "plain.mkv", missing]
    lists = [f"--keep={tmp_path / 'keep'}", f"--drop={tmp_path / 'drop'}", "--where=num_faces == 2"]
    options = [f"--checkpoint={checkpoint}", f"--out={out}", "--frames", *lists]
    done = run_binary("score", *options, *places)
    assert done.returncode == 0, done.stderr
    assert "hidden (1), links to folders (1)" in done.stderr

    entries = json.loads((out / "scores.json").read_text())
    lines = {Path(entry["path"]).name: entry for entry in entries}
    assert lines.keys() == expected.keys()
    statuses = {name: line["status"] for name, line in lines.items()}
    assert statuses == {name: status for name, (status, _) in expected.items()}
    for name, (status, message) in expected.items():
        line = lines[name]
        assert message in line["message"], name
        if status == "ok":
            assert np.isfinite([line["score"], line["offset_seconds"]]).all()
            assert 1 / 41 <= line["p_value"] <= 1
            assert image.imread(out / line["picture"]).shape[1] == pytest.approx(1200, abs=60)
        else:
            assert (line["score"], line["p_value"], line["picture"]) == (None, None, None)
        assert name in done.stdout or len(name) > 15  # long names are folded
    assert [face["is_talking"] for face in lines["two_faces.mkv"]["faces"]] == [True, False]
    (face,) = lines["plain.mkv"]["faces"]
    left, top, right, bottom = face["box"]
    assert 0 < left < right < 360
    assert 0 < top < bottom < 288
    assert face["score"] == lines["plain.mkv"]["score"]
    assert "Traceback" not in done.stderr
    assert (tmp_path / "keep").read_text() == f"{folder / 'two_faces.mkv'}\n"
    assert len((tmp_path / "drop").read_text().splitlines()) == len(entries) - 1
    with (out / "scores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(entries) + sum(len(entry["faces"]) for entry in entries)
    assert (out / "summary.html").stat().st_size > 10_000
    content = (folder / "plain.mkv").read_bytes()
    assert lines["plain.mkv"]["sha256"] == hashlib.sha256(content).hexdigest()
    frames = {
        Path(line["path"]).name: line["faces"]
        for line in map(json.loads, (out / "frames.jsonl").read_text().splitlines())
    }
    assert frames.keys() == {name for name, status in statuses.items() if status == "ok"}
    assert len(frames["plain.mkv"][0]["frame_scores"]) == 40

    # Killed while the last record was written, and run again with one worker.
    records = (out / "scores.jsonl").read_bytes()
    (out / "scores.jsonl").write_bytes(records[:-9])
    before = {path.name: path.read_bytes() for path in out.glob("*.[chjp]*")}
    again = run_binary("score", *options, "--workers=1", *places)
    assert again.returncode == 0, again.stderr
    assert f"{len(entries) - 1} files are done already" in again.stderr
    assert again.stdout == done.stdout
    for name in before.keys() - {"scores.jsonl", "frames.jsonl"}:
        assert (out / name).read_bytes() == before[name], name
    assert sorted((out / "scores.jsonl").read_bytes().splitlines()) == sorted(records.splitlines())


def test_the_exit_status_is_1_if_no_file_can_be_scored(checkpoint, tmp_path, run_binary: Run):
    (tmp_path / "text.mp4").write_text("no video")
    done = run_binary(
        "score", f"--checkpoint={checkpoint}", f"--out={tmp_path / 'out'}", tmp_path / "text.mp4"
    )
    assert done.returncode == 1
    assert "none of 1 files could be scored" in done.stderr
    (line,) = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert line["status"] == "not_media"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--checkpoint=/tmp", "--out=/tmp/x"], "no VIDEO given"),
        (["--checkpoint=/tmp", "--out=/tmp/x", "no.mp4"], "not found: no.mp4"),
        ([__file__], "--out"),
        (["--checkpoint=/nowhere", "--out=/tmp/x", __file__], "checkpoint not found: /nowhere"),
        (["--checkpoint=/tmp", "--out=/tmp/x", "--false_alarm_rate=5", __file__], "5.0"),
        (["--out=/tmp/x", "--detector=trees86", __file__], "did you mean 'trees68'"),
        (["--out=/tmp/x", "--keep=k", __file__], "--where=RULE needs --keep=FILE or --drop=FILE"),
        (["--out=/tmp/x", "--keep=/no/k", "--where=in_sync", __file__], "/no: no such folder"),
        (["--out=/tmp/x", f"--drop={__file__}", "--where=in_sync", __file__], "is to be scored"),
        (["--out=/tmp/x", "--keep=k", "--where=scor < 3", __file__], "did you mean 'score'"),
        (["--out=/tmp/x", "--report", "--pictures=none", __file__], "not with --pictures=none"),
    ],
)
def test_wrong_usage_ends_with_2_and_one_message(run_binary: Run, arguments, message):
    done = run_binary("score", *arguments)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.grid
def test_the_shipped_scorer_finds_late_sound_and_prints_its_caution(
    testdata: Path, tmp_path: Path, run_binary: Run, write_media
):
    video = testdata / "grid_s1" / "video" / "bbaf2n.mkv"  # one of its training clips
    frames, sound = odd_files.read(video)
    twice = np.concatenate([sound[:, : len(frames) * odd_files.SOUND_RATE // 25]] * 2, axis=1)
    videos = {
        "late.mkv": (frames[5:], sound),
        "half_late.mkv": (np.concatenate([frames, frames[6:]]), twice),
    }
    for name, (video_frames, whole_sound) in videos.items():
        heard = whole_sound[:, : len(video_frames) * odd_files.SOUND_RATE // 25]
        path = write_media(
            frames=video_frames,
            times=np.arange(len(video_frames)) / 25,
            sound=[(0.0, heard)],
            sample_rate=odd_files.SOUND_RATE,
            name=name,
        )
        path.replace(tmp_path / name)
    out = tmp_path / "scores"
    paths = [video, *(tmp_path / name for name in videos)]
    done = run_binary("score", f"--out={out}", "--tolerance=ebu", "--report", *paths)
    assert done.returncode == 3, done.stderr
    assert "2 of 3 files are not known to be in sync within --tolerance=ebu" in done.stderr
    assert pretrained.CAUTION in " ".join(done.stdout.split())
    in_sync, late, half_late = json.loads((out / "scores.json").read_text())

    entries = (in_sync, late, half_late)
    assert [entry["tolerance"]["passes"] for entry in entries] == [True, False, False]
    assert (in_sync["status"], in_sync["offset_is_certain"]) == ("ok", True)
    assert in_sync["p_value"] > 0.05
    assert "99 reference clips (one speaker)" in in_sync["compared_with"]
    assert (out / in_sync["picture"]).is_file()
    assert in_sync["sha256"] in (out / in_sync["page"]).read_text()
    assert re.match(r"out of sync by \+0\.(19|20|21) s \(sound late\)", late["message"])
    assert late["offset_seconds"] == pytest.approx(0.2, abs=0.01)
    assert (late["offset_frames"], late["offset_is_certain"]) == (5, True)
    assert late["score_resynced"] < 3 < late["score"]
    first, second = half_late["offsets"]
    assert abs(first["offset_frames"]) <= 1
    assert abs(second["offset_frames"] - 6) <= 1
    assert first["end"] == pytest.approx(len(frames) / 25, abs=1)
    pattern = r"in sync until \d\.\d+ s, then out of sync by \+0\.2\d s \(sound late\)"
    assert re.match(pattern, half_late["message"])


def test_help_shows_an_example(run_binary: Run):
    done = run_binary("score", "--help")
    assert done.returncode == 0
    assert "avsync-score --" in done.stdout


def test_an_incomplete_job_is_a_failure_and_not_a_wrong_command_line(
    tmp_path, monkeypatch, run_binary: Run
):
    monkeypatch.setenv("AVSYNC_PROCESSES", "2")
    (tmp_path / "a.mp4").touch()
    done = run_binary("score", f"--out={tmp_path / 'out'}", str(tmp_path / "a.mp4"))
    assert done.returncode == 1
    assert "AVSYNC_PROCESSES" in done.stderr
