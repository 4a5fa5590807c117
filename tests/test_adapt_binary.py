"""avsync-adapt as a user runs it: wrong usage, and a whole adaptation that is killed on the way."""

import json
import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests.conftest import Run, Start
from tests.open_corpora import grid_clips

NUM_CLIPS = 56


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "expected one folder of videos or one manifest, got 0"),
        (["nowhere"], "folder or manifest of videos not found"),
        (["tests", "--config=adept"], "did you mean 'adapt'"),
        (["tests", "--detector=tree68"], "did you mean 'trees68'"),
        (["tests", "--checkpoint=nowhere"], "checkpoint not found"),
    ],
)
def test_wrong_usage_is_named_at_once(run_binary: Run, tmp_path: Path, arguments, message):
    done = run_binary("adapt", f"--out={tmp_path / 'out'}", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--reals=nowhere"], 2, "folder or manifest of real videos not found"),
        (["--reals=tests", "--metric=lse", "--checkpoint=tests"], 2, "leave out --metric=lse"),
    ],
)
def test_wrong_reals_of_a_scoring_are_named(
    run_binary: Run, tmp_path: Path, arguments, status, message
):
    done = run_binary("score", f"--out={tmp_path / 'out'}", *arguments, "README.md")
    assert (done.returncode, message in done.stderr) == (status, True), done.stderr


@pytest.mark.slow
@pytest.mark.grid
def test_a_folder_becomes_a_scorer_with_its_card_although_it_is_killed(
    testdata: Path, tmp_path: Path, run_binary: Run, start_binary: Start
):
    (tmp_path / "videos").mkdir()
    for clip in grid_clips(testdata)[:NUM_CLIPS]:
        shutil.copyfile(clip, tmp_path / "videos" / clip.name)
    (tmp_path / "videos" / "broken.mkv").write_text("no video")
    out = tmp_path / "out"
    command = (str(tmp_path / "videos"), f"--out={out}", "--config=adapt:test", "--workers=2")

    process = start_binary("adapt", *command)
    until = time.monotonic() + 300
    while not (out / "before").exists() and time.monotonic() < until:
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert list(json.loads((out / "stages.json").read_text()))[:2] == ["start", "prepare"]

    done = run_binary("adapt", *command)
    assert done.returncode == 0, done.stderr
    assert "== prepare: done before" in done.stderr
    found = json.loads((out / "adaptation.json").read_text())
    assert list(found["scorers"]) == ["given", "calibrated", "fine-tuned"]
    assert sum(found["counts"].values()) == NUM_CLIPS
    assert found["gain"]["num_real"] == found["counts"]["test"]
    assert list(found["seconds"])[-1] == "export"
    card = (out / "scorer" / "README.md").read_text()
    assert found["summary"] in card
    assert f"n = {found['counts']['val']} real clips of folder, val split" in card

    again = run_binary("adapt", *command)
    assert again.returncode == 0, again.stderr
    assert found["summary"][:20] in again.stdout
    assert again.stderr.count("done before") == len(found["seconds"])


@pytest.mark.slow
@pytest.mark.grid
def test_files_are_scored_by_a_scorer_that_is_calibrated_on_own_videos(
    testdata: Path, tmp_path: Path, run_binary: Run
):
    *reals, clip = grid_clips(testdata)[:21]
    rows = [f"{path},0,{'ab'[number % 2]}" for number, path in enumerate(reals)]
    manifest = tmp_path / "reals.csv"
    manifest.write_text("\n".join(["path,label,group", *rows]))
    out = f"--out={tmp_path / 'out'}"
    command = (f"--reals={manifest}", "--group=a", out, "--pictures=none", str(clip))

    done = run_binary("score", *command)
    assert done.returncode == 0, done.stdout + done.stderr
    (record,) = map(json.loads, (tmp_path / "out" / "scores.jsonl").read_text().splitlines())
    assert record["status"] == "ok"
    # 20 clips and the file itself: no p-value is smaller.
    assert record["p_value"] >= 1 / 21
    # Group a has 10 of these, too few for p-values of its own.
    assert record["group"] == {"name": "a", "is_pooled": True, "num_clips": 20}
    assert "reference clips of all groups (group a has 10, fewer than 30)" in done.stdout
    groups = json.loads((tmp_path / "out" / "reals" / "groups.json").read_text())
    assert {name: group["num_reals"] for name, group in groups.items()} == {
        "": 20,
        "a": 10,
        "b": 10,
    }

    again = run_binary("score", *command)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "== prepare: done before" in again.stderr

    manifest.write_text("\n".join(["path,label,group", *rows[:19]]))
    other = run_binary("score", *command)
    assert "calibrating anew: " in other.stderr
    assert "other videos" in other.stderr
    # Results by another calibration are refused, not mixed.
    assert other.returncode == 1
