"""The files about all results of a job: a table, a list, and lists of paths by rule."""

import csv
import dataclasses
import json
import os
from pathlib import Path

import pytest
from rich.console import Console

from avsync.reports.video import tables
from avsync.reports.video.record import empty_values, example_values, sync_result
from avsync.reports.video.rule import Rule
from avsync.reports.video.tables import CsvTable, JsonList, Output, PathLists
from avsync.scoring.video.results import VideoResult
from tests.reports.video.records import record_of
from tests.scoring.video.results import scored, video_result


def record(path: str, score: float | None = 0.3, **options) -> dict:
    result = VideoResult(path=path, status="no_face", message="no face, anywhere")
    if score is not None:
        result = video_result(scored(score, **options), path=path)
    return record_of(result, picture=f"{Path(path).stem}.png")


def write(output: Output, *records: dict) -> None:
    with output:
        for each in records:
            output.add(each)


def test_the_table_has_a_row_for_a_file_and_one_for_each_face(tmp_path):
    write(
        CsvTable(tmp_path),
        record("a,\n1.mp4", 3.0, offset=2, realigned=0.5),
        record("\udce9", None),
    )
    with (tmp_path / "scores.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    whole, face, odd = rows
    assert (whole["path"], whole["face"], whole["num_faces"]) == ("a,\n1.mp4", "", "1")
    assert (whole["verdict"], whole["offset_ms"], whole["sha256"]) == ("out_of_sync", "80.0", "ab")
    assert whole["threshold_score"] == "1.0"
    assert (face["path"], face["face"], face["start"], face["right"]) == (
        "a,\n1.mp4",
        "1",
        "0.0",
        "3.0",
    )
    assert (face["score"], face["sha256"]) == (whole["score"], "")
    assert (odd["path"], odd["status"], odd["score"]) == ("%E9", "no_face", "")
    assert set(empty_values()) <= set(whole)


def test_the_list_is_written_up_to_its_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "MAX_LISTED", 2)
    first, second, third = (record(f"{name}.mp4") for name in "abc")
    write(JsonList(tmp_path), second, first)
    assert json.loads((tmp_path / "scores.json").read_text()) == [second, first]
    write(JsonList(tmp_path), first, second, third)
    assert list(tmp_path.iterdir()) == []


def test_after_an_error_the_files_of_before_are_left(tmp_path):
    write(CsvTable(tmp_path), record("a.mp4"))
    before = (tmp_path / "scores.csv").read_bytes()
    with pytest.raises(ZeroDivisionError), CsvTable(tmp_path) as table:
        table.add(record("b.mp4"))
        raise ZeroDivisionError
    assert (tmp_path / "scores.csv").read_bytes() == before
    assert list(tmp_path.iterdir()) == [tmp_path / "scores.csv"]


def test_paths_are_listed_by_rule_byte_for_byte_and_what_decides_is_counted(tmp_path, capsys):
    rule = Rule("score < 1", known=example_values())
    keep, drop = tmp_path / "keep.txt", tmp_path / "drop.txt"
    lists = PathLists(rule, keep=keep, drop=drop)
    names = ["a b.mp4", os.fsdecode(b"\xe9.mp4"), "bad.mp4", "none.mp4", "two\nlines.mp4"]
    write(lists, *map(record, names, [0.3, 0.3, 3.0, None, 0.3]))
    assert keep.read_bytes() == b"a b.mp4\n\xe9.mp4\n"
    assert drop.read_bytes() == b"bad.mp4\nnone.mp4\n"
    lists.print_on(Console(width=200))
    expected = "score < 1: 2 files kept, 2 dropped, among them those that lack score (1); 1 with a "
    assert expected + "line break in the path are in no list" in capsys.readouterr().out


def test_a_record_gives_back_the_offset_and_that_of_the_reference():
    late = dataclasses.replace(scored(0.3, offset=3), reference_offset_frames=2)
    given = sync_result(json.loads(json.dumps(record_of(video_result(late, path="a.mp4")))))
    assert (given.offset_frames, given.relative_offset_frames) == (3, 1)
