"""avsync-score as a user runs it: on whatever files there are, and with wrong arguments."""

import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib import image

from tests import odd_files
from tests.conftest import Run
from tests.inspection.checkpoints import write_untrained
from tests.prepare.conftest import write_media

__all__ = ["write_media"]  # a fixture of the tests of decoding, which needs odd files too


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_untrained(tmp_path_factory.mktemp("untrained"))


@pytest.mark.grid
def test_odd_and_broken_files_have_each_its_status_and_the_others_are_scored(
    testdata, checkpoint, tmp_path, run_binary: Run, write_media
):
    folder = tmp_path / "videos"
    folder.mkdir()
    clip = testdata / "grid_s1" / "video" / "bbaf2n.mkv"
    expected = odd_files.write_all(clip, folder, write_media)
    out = tmp_path / "scores"
    missing = folder / "missing.mp4"
    done = run_binary("score", f"--checkpoint={checkpoint}", f"--out={out}", folder, missing)
    assert done.returncode == 0, done.stderr

    found = json.loads((out / "scores.json").read_text())
    lines = {Path(line["path"]).name: line for line in found}
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


def test_files_none_of_which_can_be_scored_end_with_1(checkpoint, tmp_path, run_binary: Run):
    (tmp_path / "text.mp4").write_text("no video")
    done = run_binary(
        "score", f"--checkpoint={checkpoint}", f"--out={tmp_path / 'out'}", tmp_path / "text.mp4"
    )
    assert done.returncode == 1
    assert "none of 1 files could be scored" in done.stderr
    (line,) = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert line["status"] == "undecodable"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--checkpoint=/tmp", "--out=/tmp/x"], "name at least one video"),
        (["--checkpoint=/tmp", "--out=/tmp/x", "no.mp4"], "no.mp4 is not there"),
        ([__file__], "--out"),
        (["--checkpoint=/nowhere", "--out=/tmp/x", __file__], "/nowhere is no checkpoint"),
        (["--checkpoint=/tmp", "--out=/tmp/x", "--false_alarm_rate=5", __file__], "5.0"),
    ],
)
def test_wrong_usage_ends_with_2_and_one_message(run_binary: Run, arguments, message):
    done = run_binary("score", *arguments)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_the_scorer_that_comes_with_avsync_needs_nothing_else_and_says_what_it_is(
    testdata: Path, tmp_path: Path, run_binary: Run
):
    video = testdata / "grid_s1" / "video" / "bbaf2n.mkv"
    done = run_binary("score", f"--out={tmp_path}", str(video))
    assert done.returncode == 0, done.stderr
    assert "has learned from one talker" in done.stdout
    (line,) = json.loads((tmp_path / "scores.json").read_text())
    assert line["status"] == "ok"
    assert line["p_value"] > 0.05  # one of the clips that it was trained on
    assert (tmp_path / line["picture"]).is_file()


def test_help_shows_an_example(run_binary: Run):
    done = run_binary("score", "--help")
    assert done.returncode == 0
    assert "avsync-score --" in done.stdout
