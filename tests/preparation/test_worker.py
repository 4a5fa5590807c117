"""A file that crashes its worker, hangs or needs too much memory is the only one rejected."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from avsync.media.crop_store import CropStore
from avsync.preparation.journal import Entry
from avsync.preparation.store import ClipStore
from avsync.preparation.worker import Limits, Task, prepare_in_processes
from avsync.processes import JobError
from avsync.types import MediaFile
from tests.media.media_files import grid_files, write_bomb


def prepare(media: list[MediaFile], folder: Path, **limits: float):
    task = Task(folder / "clips", "trees68", Limits(**limits))
    task.clips.mkdir()
    return prepare_in_processes(media, task, journals=folder / "journals", num_workers=1)


def reasons(entries: list[Entry]) -> dict[str, str]:
    return {entry.clip_id: entry.reason for entry in entries}


@pytest.mark.grid
def test_a_worker_that_dies_costs_only_its_current_file(tmp_path, testdata):
    files = grid_files(testdata, 3)
    entries = prepare(files, tmp_path)
    first = next(entries)
    (worker,) = multiprocessing.active_children()
    os.kill(worker.pid, signal.SIGSEGV)
    rest = list(entries)
    assert [entry.reason for entry in [first, *rest]] == ["", "crashed", ""]
    assert "SIGSEGV" in rest[0].detail
    assert [entry.clip_id for entry in [first, *rest]] == [file.clip_id for file in files]
    assert len(ClipStore(tmp_path / "clips", {file.clip_id: file for file in files})) == 2
    assert multiprocessing.active_children() == []


@pytest.mark.grid
def test_a_file_that_hangs_is_rejected_and_the_next_one_is_prepared(tmp_path, testdata):
    files = grid_files(testdata, 3)
    entries = prepare(files, tmp_path, seconds=12.0)
    first = next(entries)
    (worker,) = multiprocessing.active_children()
    os.kill(worker.pid, signal.SIGSTOP)  # only SIGKILL ends it, as in a hanging system call
    started = time.monotonic()
    second = next(entries)
    assert time.monotonic() - started > 11.0
    assert (first.reason, second.reason, second.detail) == ("", "timed_out", "not done after 12 s")
    assert [entry.reason for entry in entries] == [""]


@pytest.mark.grid
def test_a_file_that_needs_too_much_memory_is_rejected(tmp_path, testdata):
    # 40 frames of 16 MB, out of 1 MB on disk.
    bomb = MediaFile("bomb", write_bomb(tmp_path / "b.mov", side_pixels=4000, num_frames=40))
    assert bomb.path.stat().st_size < 2e6
    (good,) = grid_files(testdata, 1)
    entries = list(prepare([bomb, good], tmp_path, gigabytes=0.5))
    assert reasons(entries) == {"bomb": "out_of_memory", good.clip_id: ""}
    assert entries[0].detail == "more than 0.5 GiB are needed"


def test_a_slow_file_is_rejected(tmp_path):
    # Decoding a gigabyte of frames takes seconds on any machine.
    slow = MediaFile("slow", write_bomb(tmp_path / "b.mov", side_pixels=4000, num_frames=60))
    assert reasons(list(prepare([slow], tmp_path, seconds=0.5))) == {"slow": "timed_out"}


def test_an_unknown_detector_ends_the_job(tmp_path):
    task = Task(tmp_path, "dlib69")
    media = [MediaFile("a", tmp_path / "a.mp4")]
    with pytest.raises(ValueError, match="did you mean 'dlib68'"):
        list(prepare_in_processes(media, task, journals=tmp_path / "journals", num_workers=1))


def test_a_clip_that_cannot_be_written_ends_the_job(tmp_path, testdata):
    task = Task(tmp_path / "no folder", "trees68")
    files = grid_files(testdata, 1)
    with pytest.raises(ValueError, match=r"cannot write the clip of .*No such file"):
        list(prepare_in_processes(files, task, journals=tmp_path / "journals", num_workers=1))


def test_a_full_temporary_folder_ends_the_job_instead_of_rejecting_files():
    with open("/dev/full", "wb") as full, pytest.raises(JobError, match=r"No space.* set TMPDIR"):
        CropStore(full).add(np.zeros((1, 96, 96, 1), np.uint8))
