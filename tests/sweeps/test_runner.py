"""Runs are real processes here: trainings that end before they import much."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from avsync.sweeps.commands import Command
from avsync.sweeps.plan import Run
from avsync.sweeps.results import Outcome, RunFiles
from avsync.sweeps.runner import Preempted, Task, make_slots, run_tasks, visible_gpus

GOOD, BAD = Command("train", ("--help",)), Command("train", ("--no_such_flag",))

# A config is Python code that runs before everything else.
SLOW = """
import os, pathlib, time
pathlib.Path("{pid}").write_text(str(os.getpid()))
time.sleep(120)
"""


def task(root: Path, name: str, *commands: Command) -> Task:
    return Task(name, RunFiles.of(root, Run(name, {})), commands, tested_on="grid, test split")


def slow_task(root: Path, name: str) -> Task:
    config = root / f"{name}.py"
    config.write_text(SLOW.format(pid=root / f"{name}.pid"))
    return task(root, name, Command("train", (f"--config={config}", f"--workdir={root / name}")))


def execute(tasks: list[Task], *, num_slots: int = 1) -> dict[str, Outcome]:
    ended = run_tasks(tasks, slots=[{}] * num_slots, say=lambda line: None)
    return {task.name: outcome for task, outcome in ended}


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_failed_run_gives_its_reason_and_the_others_continue(tmp_path: Path):
    tasks = [task(tmp_path, "bad", BAD, GOOD), task(tmp_path, "good", GOOD)]
    outcomes = execute(tasks)
    assert outcomes["good"].is_finished("grid, test split")
    assert not outcomes["good"].is_finished("grid, val split")
    assert outcomes["bad"].status == "failed"
    assert "train: unknown option: --no_such_flag" in outcomes["bad"].reason
    assert "(exit status 2)" in outcomes["bad"].reason
    # The command after the failed one was not started.
    assert tasks[0].files.log.read_text().count("$ avsync-train") == 1
    assert tasks[1].files.read_outcome() == outcomes["good"]


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Handle SIGINT, which a shell makes background processes ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    ("signum", "raised"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Preempted)]
)
def test_a_signal_to_the_sweep_ends_its_runs_unfinished(
    tmp_path: Path, signum, raised, interruptible
):
    tasks = [slow_task(tmp_path, "a"), slow_task(tmp_path, "b")]
    pids = [tmp_path / f"{name}.pid" for name in "ab"]

    def send_signal() -> None:
        while not all(pid.is_file() and pid.read_text() for pid in pids):
            time.sleep(0.05)
        os.kill(os.getpid(), signum)

    threading.Thread(target=send_signal).start()
    with pytest.raises(raised):
        execute(tasks, num_slots=2)
    assert not any(is_running(int(pid.read_text())) for pid in pids)
    assert [task.files.read_outcome().status for task in tasks] == ["unfinished"] * 2


def test_a_pruned_run_ends_with_its_reason_and_its_test_is_not_run(tmp_path: Path):
    slow = slow_task(tmp_path, "slow")
    tasks = iter([slow._replace(commands=(*slow.commands, GOOD)), task(tmp_path, "good", GOOD)])
    pid = tmp_path / "slow.pid"

    def reason(task: Task) -> str:
        return "too high a loss" if task.name == "slow" and pid.is_file() else ""

    ended = dict(run_tasks(tasks, slots=[{}], say=lambda line: None, reason_to_prune=reason))
    outcomes = {task.name: outcome for task, outcome in ended.items()}
    assert outcomes["slow"].status == "pruned"
    assert outcomes["slow"].reason == "too high a loss"
    assert outcomes["slow"].is_finished("grid, test split")
    assert not is_running(int(pid.read_text()))
    assert slow.files.log.read_text().count("$ avsync-train") == 1
    assert outcomes["good"].status == "done"


def test_a_killed_attempt_counts_until_its_last_log_entry(tmp_path: Path):
    files = RunFiles.of(tmp_path, Run("run", {}))
    outcome = files.begin()
    files.log.write_text("training: 3/20\n")
    os.utime(files.log, (outcome.began + 50, outcome.began + 50))
    again = files.begin()
    assert again.seconds == pytest.approx(50)
    assert 50 <= files.end(again).seconds < 60


def test_a_run_without_an_outcome_file_is_not_begun(tmp_path: Path):
    outcome = RunFiles.of(tmp_path, Run("run", {})).read_outcome()
    assert outcome.status == "not begun"
    assert not outcome.is_finished("")


def test_each_of_several_runs_gets_its_own_gpu():
    assert make_slots(2, gpus=["0", "3", "5"]) == [
        {"CUDA_VISIBLE_DEVICES": "0"},
        {"CUDA_VISIBLE_DEVICES": "3"},
    ]


def test_a_single_run_gets_all_gpus_and_runs_without_gpus_get_nothing():
    assert make_slots(1, gpus=["0", "1"]) == [{}]
    assert make_slots(3, gpus=[]) == [{}, {}, {}]


def test_more_runs_than_gpus_are_refused():
    with pytest.raises(ValueError, match=r"--jobs=3 needs .* 2 are visible; .* --jobs=2"):
        make_slots(3, gpus=["0", "1"])


def test_gpus_hidden_from_the_sweep_are_hidden_from_its_runs():
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": "2,GPU-8a"}) == ["2", "GPU-8a"]
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": ""}) == []
