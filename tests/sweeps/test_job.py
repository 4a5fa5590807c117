from pathlib import Path

import pytest

from avsync.files import file_lock
from avsync.sweeps import job, plan
from avsync.sweeps.commands import Evaluation, commands, task_command
from avsync.sweeps.outcomes import Places

VALUES = {"seed": 0, "data": {"dataset": "grid", "data_dir": "data"}, "train": {"num_steps": 9}}

TEST = Evaluation(None, "test_planted")


@pytest.fixture
def sweep() -> plan.Sweep:
    overrides = [{"seed": 1}, {"data.dataset": "lrs3"}, {"seed": 2}]
    return plan.make_sweep(
        overrides, config="configs/grid.py", fixed={"train.num_steps": 5}, values=VALUES
    )


def end(sweep: plan.Sweep, root: Path, *, index: int, reason: str = "") -> None:
    run = sweep.runs[index]
    places = Places.of(root, run)
    places.end(places.begin(), tested_on=TEST.of(sweep, run), reason=reason)


def test_what_is_left_are_the_runs_that_failed_and_those_not_begun(sweep, tmp_path: Path):
    end(sweep, tmp_path, index=0)
    end(sweep, tmp_path, index=1, reason="train: no such dataset")
    assert job.pending(sweep, tmp_path, evaluation=TEST) == [1, 2]
    assert job.pending(sweep, tmp_path, evaluation=TEST, only=0) == []
    assert job.pending(sweep, tmp_path, evaluation=Evaluation(None, ""), only=0) == []
    # Another test is something to do.
    assert job.pending(sweep, tmp_path, evaluation=Evaluation("avlips", "test"), only=0) == [0]
    with pytest.raises(ValueError, match="there is no run 3; the sweep has the runs 0 to 2"):
        job.pending(sweep, tmp_path, evaluation=TEST, only=3)


def test_a_sweep_has_failed_only_if_every_run_has(sweep, tmp_path: Path):
    for index in (0, 1):
        end(sweep, tmp_path, index=index, reason=f"train: reason {index}")
    assert job.failure(sweep, tmp_path) == ""
    assert job.failure(sweep, tmp_path, only=1) == "the run failed, the last one: train: reason 1"
    end(sweep, tmp_path, index=2, reason="train: reason 2")
    assert job.failure(sweep, tmp_path) == "each of 3 runs failed, the last one: train: reason 2"


def test_a_run_that_another_process_is_at_is_left_to_it(sweep, tmp_path: Path):
    lock = Places.of(tmp_path, sweep.runs[2]).outcome.with_suffix(".lock")
    with (
        file_lock(lock),
        pytest.raises(ValueError, match=r"another process, which holds 002_seed=2\."),
    ):
        job.do(sweep, tmp_path, evaluation=TEST, indices=[1, 2], slots=[{}])
    assert job.pending(sweep, tmp_path, evaluation=TEST) == [0, 1, 2]


def test_the_commands_of_a_run_are_those_of_a_user(sweep):
    train, evaluate = commands(sweep, sweep.runs[1], workdir=Path("runs/x"), evaluation=TEST)
    assert train.text == (
        "avsync-train --config=configs/grid.py --workdir=runs/x --config.train.num_steps=5 "
        "--config.data.dataset=lrs3"
    )
    assert evaluate.text == (
        "avsync-evaluate --checkpoint=runs/x --dataset=lrs3 --split=test_planted --data_dir=data "
        "--out=runs/x/evaluation"
    )
    assert len(commands(sweep, sweep.runs[1], workdir=Path(), evaluation=Evaluation(None, ""))) == 1


def test_a_task_of_slurm_is_the_same_sweep_with_what_it_fixes(sweep):
    command = task_command(
        sweep, "s.py:3", workdir=Path("runs"), evaluation=Evaluation("avlips", "test")
    )
    assert command.text == (
        "avsync-sweep --config=configs/grid.py --sweep=s.py:3 --workdir=runs --split=test "
        "--dataset=avlips --config.train.num_steps=5"
    )
