"""A corpus whose sound is two frames late, from video files to verdicts: as if it were in sync."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from avsync import pretrained
from tests.conftest import Run
from tests.open_corpora import grid_clips, write_late

NUM_CLIPS, LATE = 24, 2


def prepared(clips: list[Path], folder: Path, run_binary: Run, *, frames: int) -> Path:
    """A data_dir with these clips as the dataset "folder", their sound late."""
    for clip in clips:
        write_late(clip, folder / clip.name, frames=frames)
    with (folder / "list.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "label", "identity", "split"])
        rows.writerows([clip.name, "real", "s1", "val"] for clip in clips)
    source = f"--source={folder / 'list.csv'}"
    done = run_binary("prepare", "--dataset=folder", source, f"--data_dir={folder / 'data'}")
    assert done.returncode == 0, done.stderr
    return folder / "data"


@pytest.mark.slow
@pytest.mark.grid
def test_a_late_corpus_is_evaluated_calibrated_and_scored_as_one_in_sync(
    testdata, run_binary, tmp_path
):
    clips = grid_clips(testdata)[:NUM_CLIPS]
    workdir = Path(shutil.copytree(pretrained.GRID, tmp_path / "scorer"))
    metrics = {}
    for frames in (0, LATE):
        data_dir = prepared(clips, tmp_path / f"late{frames}", run_binary, frames=frames)
        out = data_dir / "evaluation"
        place = (f"--checkpoint={workdir}", f"--data_dir={data_dir}", "--dataset=folder")
        fakes = ("--split=val", "--fabricate=swap,shift_2,splice_0.8s", f"--out={out}")
        done = run_binary("evaluate", *place, *fakes)
        assert done.returncode == 0, done.stderr
        metrics[frames] = json.loads((out / "metrics.json").read_text())
    in_sync, late = (metrics[frames]["corpus_offset"] for frames in (0, LATE))
    assert (in_sync["median_frames"], in_sync["realigned_frames"]) == (0, 0)
    assert (late["median_frames"], late["realigned_frames"], late["is_sure"]) == (LATE, LATE, True)
    scores = [metrics[frames]["views"]["trimmed"] for frames in (0, LATE)]
    before, after = (views["alignment"]["auc"] for views in scores)
    assert after == pytest.approx(before, abs=0.02)
    assert scores[1]["alignment_as_stored"]["auc"] < before - 0.1

    calibrated = ("--split=val", "--calibrate", f"--out={tmp_path / 'val'}")
    done = run_binary("evaluate", *place, *calibrated)
    assert done.returncode == 0, done.stderr
    files = [data_dir.parent / clips[0].name, clips[1]]
    done = run_binary(
        "score", f"--checkpoint={workdir}", f"--out={tmp_path / 'out'}", *map(str, files)
    )
    assert done.returncode == 0, done.stderr
    own, other = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert abs(own["relative_offset_frames"]) <= 1
    assert own["offset_frames"] == own["relative_offset_frames"] + LATE
    assert "consistent with the reference clips" in own["message"]
    # A file in sync is early, compared with this corpus.
    assert abs(other["offset_frames"]) <= 1
    assert "out of sync by -0." in other["message"]
