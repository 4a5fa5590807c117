from pathlib import Path

import pytest

from avsync.files import file_lock
from avsync.sweeps import job, plan
from avsync.sweeps.commands import Evaluation, array_task_command, commands
from avsync.sweeps.results import RunFiles

FIELDS = {"seed": 0, "data.dataset": "grid", "data.data_dir": "data", "train.num_steps": 9}

TEST = Evaluation(None, "test_planted")


@pytest.fixture
def sweep() -> plan.Sweep:
    overrides = [{"seed": 1}, {"data.dataset": "lrs3"}, {"seed": 2}]
    return plan.make_sweep(
        overrides,
        config="configs/grid.py",
        fixed={"train.num_steps": 5},
        fields_with=lambda changes: {**FIELDS, **changes},
    )


def end(sweep: plan.Sweep, root: Path, *, index: int, reason: str = "") -> None:
    run = sweep.runs[index]
    files = RunFiles.of(root, run)
    files.end(files.begin(), tested_on=TEST.describe(sweep, run), reason=reason)


def test_failed_runs_runs_not_begun_and_runs_without_this_test_are_pending(sweep, tmp_path: Path):
    end(sweep, tmp_path, index=0)
    end(sweep, tmp_path, index=1, reason="train: no such dataset")
    assert job.pending(sweep, tmp_path, evaluation=TEST) == [1, 2]
    assert job.pending(sweep, tmp_path, evaluation=TEST, only=0) == []
    assert job.pending(sweep, tmp_path, evaluation=Evaluation(None, ""), only=0) == []
    assert job.pending(sweep, tmp_path, evaluation=Evaluation("avlips", "test"), only=0) == [0]
    with pytest.raises(ValueError, match="run 3 not found: the sweep has runs 0 to 2"):
        job.pending(sweep, tmp_path, evaluation=TEST, only=3)


def test_a_sweep_fails_only_if_every_run_failed(sweep, tmp_path: Path):
    for index in (0, 1):
        end(sweep, tmp_path, index=index, reason=f"train: reason {index}")
    assert job.failure(sweep, tmp_path) == ""
    assert job.failure(sweep, tmp_path, only=1).endswith("train: reason 1")
    end(sweep, tmp_path, index=2, reason="train: reason 2")
    assert job.failure(sweep, tmp_path) == "all 3 runs failed, the last one with: train: reason 2"


def test_a_run_that_another_process_executes_is_refused(sweep, tmp_path: Path):
    lock = RunFiles.of(tmp_path, sweep.runs[2]).outcome.with_suffix(".lock")
    with (
        file_lock(lock),
        pytest.raises(ValueError, match=r"another process.*002_seed=2\."),
    ):
        job.execute(sweep, tmp_path, evaluation=TEST, indices=[1, 2], slots=[{}])
    assert job.pending(sweep, tmp_path, evaluation=TEST) == [0, 1, 2]


def test_a_run_is_executed_by_the_commands_that_a_user_would_type(sweep):
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


def test_a_slurm_task_gets_the_sweep_and_its_fixed_changes(sweep):
    command = array_task_command(
        sweep, "s.py:3", workdir=Path("runs"), evaluation=Evaluation("avlips", "test")
    )
    assert command.text == (
        "avsync-sweep --config=configs/grid.py --sweep=s.py:3 --workdir=runs --split=test "
        "--dataset=avlips --config.train.num_steps=5"
    )
