"""Journals, and what they tell of a job while it runs and after it was killed."""

import json
import time
from pathlib import Path

import pytest

from avsync.media.rejects import Reject
from avsync.preparation import journal
from avsync.preparation.journal import Entry, Journal
from avsync.preparation.status import read_status
from avsync.types import MediaFile

FACELESS = Reject("no_face", "no face is seen")


def media(clip_id: str) -> MediaFile:
    return MediaFile(clip_id, Path(f"/raw/{clip_id}.mp4"))


def put_entries(folder: Path, *entries: Entry) -> None:
    (folder / "journals").mkdir(exist_ok=True)
    lines = [json.dumps(entry._asdict()) + "\n" for entry in entries]
    (folder / "journals" / "one.jsonl").write_text("".join(lines))


def test_journals_of_several_writers_are_read_as_one_and_the_last_word_counts(tmp_path):
    with Journal(tmp_path) as first, Journal(tmp_path) as second:
        first.write(media("a"), FACELESS)
        second.write(media("b"), None, num_frames=75)
        second.write(media("a"), None, num_frames=50)
    entries = journal.read(tmp_path)
    assert list(entries) == ["b", "a"]
    assert entries["a"].reason == ""
    assert entries["a"].num_frames == 50
    assert entries["b"].path == "/raw/b.mp4"


def test_a_line_that_was_being_written_is_none(tmp_path):
    with Journal(tmp_path) as lines:
        lines.write(media("a"), FACELESS)
    (path,) = tmp_path.iterdir()
    with path.open("a") as file:
        file.write('{"clip_id": "half a li')
    assert list(journal.read(tmp_path)) == ["a"]


def test_rejects_can_be_forgotten_and_clips_stay(tmp_path):
    with Journal(tmp_path) as lines:
        lines.write(media("a"), FACELESS)
        lines.write(media("b"), None, num_frames=75)
    journal.forget_rejects(tmp_path)
    assert list(journal.read(tmp_path)) == ["b"]


def test_a_journal_without_a_line_leaves_no_file(tmp_path):
    with Journal(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_nothing_begun_has_no_status(tmp_path):
    assert read_status(tmp_path) is None


def test_the_status_says_how_far_and_how_fast_and_how_long_it_will_take(tmp_path):
    now = time.time()
    (tmp_path / "plan.json").write_text('{"num_files": 10}')
    put_entries(
        tmp_path,
        # Of an earlier run: it does not make this one slow.
        Entry("a", "", num_frames=45_000, finished=now - 7200),
        Entry("b", "", num_frames=45_000, finished=now - 18),
        Entry("c", "", "no_face", "none", finished=now - 16),
        Entry("d", "", num_frames=0, finished=now - 14),
    )
    status = read_status(tmp_path)
    assert status is not None
    assert (status.num_clips, status.by_reason) == (3, {"no_face": 1})
    assert status.hours_of_video == 1.0
    assert status.clips_per_second == pytest.approx(0.5)
    assert status.seconds_left == pytest.approx(12)
    assert str(status).startswith(
        "4 of 10 files done; 3 clips of 1.00 h; 1 rejected (1 no_face); 0.50 clips/s; "
        "12.0 s left at this speed; the last one 14."
    )


def test_a_job_that_has_just_begun_claims_no_speed(tmp_path):
    (tmp_path / "plan.json").write_text('{"num_files": 10}')
    assert str(read_status(tmp_path)) == "0 of 10 files done; 0 clips of 0.00 h; 0 rejected"
