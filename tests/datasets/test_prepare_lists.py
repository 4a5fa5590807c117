"""avsync-prepare on a manifest, with --split_list and --disjoint."""

import json
from pathlib import Path

import pytest

from avsync.datasets.base import open_source
from tests.conftest import Run
from tests.datasets.conftest import Put, write_text


@pytest.mark.grid
def test_lists_and_a_disjoint_test_are_applied_and_recorded(
    tmp_path: Path, put: Put, run_binary: Run
):
    put("a.mp4", "b.mp4", "c.mp4", "d.mp4")
    header = "path,label,identity,source_clip"
    people = ("a.mp4,0,anna,", "b.mp4,1,anna,a", "c.mp4,0,bert,", "d.mp4,1,anna,a")
    write_text(tmp_path / "mine.csv", header, *people)
    write_text(tmp_path / "train.csv", "path,label", "a.mp4,0", "b.mp4,1")
    write_text(tmp_path / "test.csv", "path,label", "c.mp4,0", "d.mp4,1")
    arguments = [
        "--dataset=folder",
        f"--source={tmp_path / 'mine.csv'}",
        f"--data_dir={tmp_path / 'data'}",
        "--workers=1",
        f"--split_list=train={tmp_path / 'train.csv'}",
        f"--split_list=test={tmp_path / 'test.csv'}",
    ]
    done = run_binary("prepare", *arguments, "--disjoint=identity")
    assert done.returncode == 0, done.stderr
    note = "disjoint by identity: 1 of 2 test clips share no identity with train (1 real, 0 fake)"
    assert note in done.stderr.splitlines()
    train, labelled, test = (
        open_source("folder", split, data_dir=tmp_path / "data")
        for split in ("train", "train_labelled", "test")
    )
    assert (train.num_clips, train.is_real_only) == (1, True)
    assert (labelled.num_clips, labelled.split) == (2, "train+train_fake")
    assert not labelled.is_real_only
    assert test.num_clips == 1
    report = json.loads((test.directory / "prepare_report.json").read_text())
    assert report["disjoint"] == "identity"
    assert note in report["notes"]

    other = run_binary("prepare", *arguments)
    assert other.returncode == 1
    assert "was prepared with disjoint=identity, not None: remove it, or" in other.stderr


def test_a_missing_list_is_wrong_usage(run_binary, tmp_path):
    options = ("--dataset=folder", f"--data_dir={tmp_path}", "--split_list=test=/nowhere.csv")
    done = run_binary("prepare", *options)
    assert done.returncode == 2
    assert "file not found: /nowhere.csv" in done.stderr.splitlines()[0]
