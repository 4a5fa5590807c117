"""Runs are real processes here, of trainings that end before they have imported much."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from avsync.sweeps.commands import Command
from avsync.sweeps.outcomes import Outcome, Places
from avsync.sweeps.plan import Run
from avsync.sweeps.runner import Task, ToldToEnd, run_tasks

GOOD, BAD = Command("train", ("--help",)), Command("train", ("--no_such_flag",))

# A config is Python, read before anything else is done.
SLOW = """
import os, pathlib, time
pathlib.Path("{pid}").write_text(str(os.getpid()))
time.sleep(120)
"""


def task(root: Path, name: str, *commands: Command) -> Task:
    return Task(name, Places.of(root, Run(name, {})), commands, tested_on="grid, test split")


def slow_task(root: Path, name: str) -> Task:
    config = root / f"{name}.py"
    config.write_text(SLOW.format(pid=root / f"{name}.pid"))
    return task(root, name, Command("train", (f"--config={config}", f"--workdir={root / name}")))


def do(tasks: list[Task], *, num_slots: int = 1) -> dict[str, Outcome]:
    ended = run_tasks(tasks, slots=[{}] * num_slots, say=lambda line: None)
    return {task.name: outcome for task, outcome in ended}


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_run_that_fails_says_why_and_the_others_go_on(tmp_path: Path):
    tasks = [task(tmp_path, "bad", BAD, GOOD), task(tmp_path, "good", GOOD)]
    outcomes = do(tasks)
    assert outcomes["good"].is_finished("grid, test split")
    assert not outcomes["good"].is_finished("grid, val split")
    assert outcomes["bad"].status == "failed"
    assert "train: Unknown command line flag 'no_such_flag'" in outcomes["bad"].reason
    assert "(exit status 2)" in outcomes["bad"].reason
    # What came after the command that failed was not begun; the log shows what was.
    assert tasks[0].places.log.read_text().count("$ avsync-train") == 1
    assert tasks[1].places.read() == outcomes["good"]


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A shell starts what is to run in its background with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    ("told", "raised"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, ToldToEnd)]
)
def test_told_to_end_the_runs_end_too_and_are_not_done(tmp_path: Path, told, raised, interruptible):
    tasks = [slow_task(tmp_path, "a"), slow_task(tmp_path, "b")]
    pids = [tmp_path / f"{name}.pid" for name in "ab"]

    def tell() -> None:
        while not all(pid.is_file() and pid.read_text() for pid in pids):
            time.sleep(0.05)
        os.kill(os.getpid(), told)

    threading.Thread(target=tell).start()
    with pytest.raises(raised):
        do(tasks, num_slots=2)
    assert not any(is_running(int(pid.read_text())) for pid in pids)
    assert [task.places.read().status for task in tasks] == ["unfinished"] * 2


def test_the_time_of_an_attempt_that_was_killed_counts_as_far_as_it_is_known(tmp_path: Path):
    places = Places.of(tmp_path, Run("run", {}))
    outcome = places.begin()
    places.log.write_text("training: 3/20\n")
    os.utime(places.log, (outcome.began + 50, outcome.began + 50))
    again = places.begin()
    assert again.seconds == pytest.approx(50)
    assert 50 <= places.end(again).seconds < 60


def test_a_run_that_was_never_begun_is_not_done(tmp_path: Path):
    outcome = Places.of(tmp_path, Run("run", {})).read()
    assert outcome.status == "not begun"
    assert not outcome.is_finished("")
