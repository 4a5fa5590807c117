"""Journals, and the status of a job that they give while it runs or after it was killed."""

import json
import time
from pathlib import Path

import pytest

from avsync.media.rejects import Reject
from avsync.preparation import journal
from avsync.preparation.journal import Entry, Journal
from avsync.preparation.progress import read_status
from avsync.types import MediaFile

FACELESS = Reject("no_face", "no face is seen")


def media(clip_id: str) -> MediaFile:
    return MediaFile(clip_id, Path(f"/raw/{clip_id}.mp4"))


def put_entries(folder: Path, *entries: Entry) -> None:
    (folder / "journals").mkdir(exist_ok=True)
    lines = [json.dumps(entry._asdict()) + "\n" for entry in entries]
    (folder / "journals" / "one.jsonl").write_text("".join(lines))


def test_journals_of_several_writers_are_merged_and_the_latest_entry_counts(tmp_path):
    with Journal(tmp_path) as first, Journal(tmp_path) as second:
        first.write(media("a"), FACELESS)
        second.write(media("b"), None, num_frames=75)
        second.write(media("a"), None, num_frames=50)
    entries = journal.read(tmp_path)
    assert list(entries) == ["b", "a"]
    assert entries["a"].reason == ""
    assert entries["a"].num_frames == 50
    assert entries["b"].path == "/raw/b.mp4"


def test_an_incomplete_line_is_ignored(tmp_path):
    with Journal(tmp_path) as lines:
        lines.write(media("a"), FACELESS)
    (path,) = tmp_path.iterdir()
    with path.open("a") as file:
        file.write('{"clip_id": "half a li')
    assert list(journal.read(tmp_path)) == ["a"]


def test_dropping_rejects_keeps_clips(tmp_path):
    with Journal(tmp_path) as lines:
        lines.write(media("a"), FACELESS)
        lines.write(media("b"), None, num_frames=75)
    journal.forget_rejects(tmp_path)
    assert list(journal.read(tmp_path)) == ["b"]


def test_an_empty_journal_leaves_no_file(tmp_path):
    with Journal(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_job_that_was_not_started_has_no_status(tmp_path):
    assert read_status(tmp_path) is None


def test_the_status_gives_progress_speed_and_remaining_time(tmp_path):
    now = time.time()
    (tmp_path / "plan.json").write_text('{"num_files": 10}')
    put_entries(
        tmp_path,
        # From an earlier run, which does not count for the speed.
        Entry("a", "", num_frames=45_000, finished=now - 7200),
        Entry("b", "", num_frames=45_000, finished=now - 18),
        Entry("c", "", "no_face", "none", finished=now - 16),
        Entry("d", "", num_frames=0, finished=now - 14),
    )
    status = read_status(tmp_path)
    assert status is not None
    assert (status.num_clips, status.by_reason) == (3, {"no_face": 1})
    assert status.hours_of_video == 1.0
    assert status.files_per_second == pytest.approx(0.5)
    assert status.seconds_left == pytest.approx(12)
    assert str(status).startswith(
        "4 of 10 files done; 3 clips (1.00 h); 1 rejected (1 no_face); 0.50 files/s; "
        "12.0 s left at this speed; last file done 14."
    )


def test_a_job_that_has_just_started_states_no_speed(tmp_path):
    (tmp_path / "plan.json").write_text('{"num_files": 10}')
    assert str(read_status(tmp_path)) == "0 of 10 files done; 0 clips (0.00 h); 0 rejected"
