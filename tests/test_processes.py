"""Worker processes: results, reports, files, and every way in which one can fail."""

import functools
import os
import signal
import tempfile
import time

import numpy as np
import pytest

from avsync.processes import (
    POLL_SECONDS,
    Done,
    Fault,
    JobError,
    Report,
    WithFile,
    Work,
    WorkerProcess,
)


def start(work: Work) -> Work:
    return work


def do(item: str, report) -> object:
    match item:
        case "report":
            report("half")
            return "all"
        case "file":
            file = tempfile.TemporaryFile()  # noqa: SIM115
            file.write(b"crops")
            return WithFile("with a file", file)
        case "expected":
            raise KeyError("expected")
        case "unexpected":
            raise TypeError("unexpected")
        case "memory":
            return np.ones(2**28).sum()  # 2 GiB
        case "memory of a library":
            raise KeyError("cannot decode") from MemoryError()
        case "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "hang":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "job":
            raise JobError("the disk is full")
    return item


def refuse() -> Work:
    raise ValueError("no such detector")


def worker(**options) -> WorkerProcess:
    options = {"seconds": 60.0, "gigabytes": 1.0, "expected": KeyError} | options
    return WorkerProcess(functools.partial(start, do), **options)


def messages(process: WorkerProcess, item: str) -> list:
    """The messages on an item, up to its result."""
    process.give(item)
    found = []
    while not found or isinstance(found[-1], Report):
        process.connection.poll(POLL_SECONDS)
        if message := process.message():
            found.append(message)
    return found


@pytest.fixture(scope="module")
def shared():
    process = worker()
    yield process
    process.end()
    assert not process.process.is_alive()


def test_reports_come_before_the_result(shared):
    assert messages(shared, "report") == [Report("half"), Done("all")]


def test_a_file_without_a_name_is_passed_to_the_parent(shared):
    (done,) = messages(shared, "file")
    assert done.value.value == "with a file"
    with done.value.file as file:
        file.seek(0)
        assert file.read() == b"crops"


def test_an_expected_exception_is_a_result(shared):
    (done,) = messages(shared, "expected")
    assert isinstance(done.value, KeyError)


def test_an_unexpected_exception_is_a_fault_with_its_place(shared):
    (fault,) = messages(shared, "unexpected")
    assert fault.kind == "failed"
    assert fault.detail.startswith("TypeError at test_processes.py:")
    assert messages(shared, "next") == [Done("next")]


def test_an_error_of_the_whole_job_is_raised(shared):
    with pytest.raises(JobError, match="the disk is full"):
        messages(shared, "job")


@pytest.mark.parametrize("item", ["memory", "memory of a library"])
def test_a_process_that_ran_out_of_memory_takes_no_other_item(item):
    process = worker()
    assert messages(process, item) == [Fault("out_of_memory", "more than 1 GiB are needed")]
    assert not process.is_usable()
    process.end()


def test_a_crash_is_a_fault():
    process = worker()
    assert messages(process, "crash") == [
        Fault("crashed", "the worker process died (signal SIGSEGV)")
    ]
    assert not process.is_usable()
    process.end()


def test_time_that_the_parent_takes_or_allows_does_not_count():
    process = worker(seconds=0.5)
    assert messages(process, "ready") == [Done("ready")]
    process.give("hang")
    time.sleep(1)
    process.excuse(1.0)
    assert process.message() is None
    process.allow(1.5)
    time.sleep(0.6)
    assert process.message() is None
    time.sleep(1)
    assert process.message() == Fault("timed_out", "not done after 1.5 s")
    assert not process.is_usable()


def test_a_process_that_cannot_start_ends_the_job():
    process = WorkerProcess(refuse, seconds=60.0, gigabytes=1.0, expected=KeyError)
    with pytest.raises(JobError, match="no such detector"):
        messages(process, "any")
    process.end()
