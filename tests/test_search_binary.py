"""avsync-sweep --sampler=optuna as a user runs it: killed, resumed, with bad runs pruned.

bash launch/test.sh -m slow tests/test_search_binary.py
"""

import csv
import json
import signal
import time
from pathlib import Path

import pytest

from tests.conftest import Run, Start

optuna = pytest.importorskip("optuna", reason="pip install 'avsync[optuna]'")

SEARCH = """
from avsync.sweeps.space import log_uniform, search

def get_sweep(arg=""):
    return search({"optim.learning_rate": log_uniform(1e-6, 1e-2)}, num_runs=int(arg), seed=1)
"""

# Long enough for a bad run to be ended before its end.
LONG = ("--config.train.num_steps=400", "--config.train.checkpoint_every=10")


@pytest.fixture(scope="module")
def sweep_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sweeps") / "rates.py"
    path.write_text(SEARCH)
    return path


def arguments(sweep_file: Path, workdir: Path, data: Path, *, num_runs: int) -> list[str]:
    return [
        "--config=configs/quickstart.py:test",
        f"--sweep={sweep_file}:{num_runs}",
        f"--workdir={workdir}",
        f"--config.data.data_dir={data}",
        "--sampler=optuna",
        "--split=",
    ]


def kill_when(pattern: str, workdir: Path, options: list[str], start_binary: Start) -> None:
    """Start the sweep, and kill it with SIGKILL once there is a file of this pattern."""
    process = start_binary("sweep", *options)
    while not list(workdir.glob(pattern)):
        assert process.poll() is None, "the sweep ended before it could be killed"
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()


def num_starts(workdir: Path) -> list[int]:
    """How often the training of each run was started."""
    logs = sorted(workdir.glob("logs/*.log"))
    return [log.read_text().count("$ avsync-train") for log in logs]


def read_table(workdir: Path) -> list[dict[str, str]]:
    with (workdir / "sweep.csv").open() as file:
        return sorted(csv.DictReader(file), key=lambda line: line["run"])


def trials(workdir: Path) -> list:
    from avsync.sweeps import study  # not at the top: it needs Optuna

    return optuna.load_study(study_name="avsync", storage=study.open_storage(workdir)).trials


def test_a_killed_search_resumes_its_trial_and_ends_with_each_run_once(
    tiny_data, sweep_file, tmp_path, run_binary: Run, start_binary: Start
):
    options = arguments(sweep_file, tmp_path / "sweep", tiny_data, num_runs=2)
    options += ["--pruner=none"]
    # Its outcome is there before its training has begun.
    kill_when("runs/001_*/config.json", tmp_path / "sweep", options, start_binary)
    done = run_binary("sweep", *options)
    assert done.returncode == 0, done.stderr
    table = read_table(tmp_path / "sweep")
    assert [line["status"] for line in table] == ["done"] * 2
    assert num_starts(tmp_path / "sweep") == [1, 2]
    for trial, line in zip(trials(tmp_path / "sweep"), table, strict=True):
        assert trial.state.name == "COMPLETE"
        assert trial.value == float(line["val_loss"])
        assert f"learning_rate={trial.params['optim.learning_rate']:.3g}" in line["run"]


def test_a_list_of_runs_and_slurm_are_refused(tiny_data, sweep_file, tmp_path, run_binary: Run):
    options = arguments(sweep_file, tmp_path / "sweep", tiny_data, num_runs=3)
    done = run_binary("sweep", *options, "--launcher=slurm")
    assert done.returncode == 2
    assert "--launcher=slurm needs a list of runs" in done.stderr
    done = run_binary("sweep", *options, "--sweep=seeds")
    assert done.returncode == 2
    assert "--sweep=seeds lists its runs; --sampler=optuna needs ranges" in done.stderr
    assert not (tmp_path / "sweep").exists()


@pytest.mark.slow
def test_eight_runs_killed_in_the_middle_are_finished_once_each_and_bad_ones_pruned(
    tiny_data, sweep_file, tmp_path, run_binary: Run, start_binary: Start
):
    workdir = tmp_path / "sweep"
    options = [*arguments(sweep_file, workdir, tiny_data, num_runs=8), *LONG]
    kill_when("runs/004_*/metrics.jsonl", workdir, options, start_binary)
    before = {path.name: path.read_text() for path in workdir.glob("outcomes/00[0-3]*.json")}
    assert len(before) == 4
    done = run_binary("sweep", *options)
    assert done.returncode == 0, done.stderr
    table = read_table(workdir)
    statuses = [line["status"] for line in table]
    assert len(table) == 8 and set(statuses) == {"done", "pruned"}
    starts = num_starts(workdir)
    assert sorted(starts) == [1] * 7 + [2] and starts[4] == 2
    assert {n: (workdir / "outcomes" / n).read_text() for n in before} == before
    states = {"COMPLETE": "done", "PRUNED": "pruned"}
    assert [states[trial.state.name] for trial in trials(workdir)] == statuses
    for line in table:
        steps = [int(path.name) for path in (workdir / "runs" / line["run"]).glob("checkpoints/*")]
        assert (max(steps) < 400) == (line["status"] == "pruned")
    page = (workdir / "sweep.md").read_text()
    assert f"{statuses.count('pruned')} pruned" in page
    assert page.count("| pruned |") == statuses.count("pruned")
    # Nothing is left to do.
    again = run_binary("sweep", *options)
    assert again.returncode == 0 and "avsync-train" not in again.stderr
    assert json.loads((workdir / "sweep.json").read_text())["runs"][0]["name"] == table[0]["run"]
