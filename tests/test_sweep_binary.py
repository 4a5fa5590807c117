"""avsync-sweep as a user runs it: killed, resumed, with a run that fails."""

import csv
import json
import signal
import time
from pathlib import Path

import pytest

from tests.conftest import Run, Start

SWEEP = """
from avsync.sweeps.space import product

def get_sweep(arg=""):
    return [*product({"seed": range(2)}), {"train.loss": "alignmnt"}]
"""

NAMES = ["000_seed=0", "001_seed=1", "002_loss=alignmnt"]


@pytest.fixture(scope="module")
def sweep_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sweeps") / "seeds_and_a_mistake.py"
    path.write_text(SWEEP)
    return path


@pytest.fixture(scope="module")
def arguments(
    tiny_data: Path, sweep_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[str]:
    return [
        "--config=configs/quickstart.py:test",
        f"--sweep={sweep_file}",
        f"--workdir={tmp_path_factory.mktemp('runs') / 'sweep'}",
        f"--config.data.data_dir={tiny_data}",
    ]


@pytest.fixture(scope="module")
def workdir(arguments: list[str], run_binary: Run, start_binary: Start) -> Path:
    """A sweep that was killed during its second run and resumed to its end.

    Only its first run is tested, afterwards: a test takes longer than a training here.
    """
    workdir = Path(arguments[2].partition("=")[2])
    process = start_binary("sweep", *arguments, "--split=")
    while not (workdir / "outcomes" / f"{NAMES[1]}.json").is_file():
        assert process.poll() is None, "the sweep ended before it could be killed"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = read_outcome(workdir, NAMES[0])
    assert before["status"] == "done"
    assert read_outcome(workdir, NAMES[1])["status"] == "unfinished"
    done = run_binary("sweep", *arguments, "--split=", "--jobs=2")
    assert done.returncode == 0, done.stderr
    # A finished run is not trained again.
    assert read_outcome(workdir, NAMES[0]) == before
    assert f"{NAMES[0]}: avsync-train" not in done.stderr
    assert f"{NAMES[1]}: avsync-train --config=configs/quickstart.py:test" in done.stderr
    assert "unknown config.train.loss: 'alignmnt'" in done.stderr
    assert NAMES[0] in done.stdout
    done = run_binary("sweep", *arguments, "--only=0")
    assert done.returncode == 0, done.stderr
    assert f"{NAMES[0]}: avsync-evaluate" in done.stderr
    assert f"{NAMES[0]}: avsync-train" not in done.stderr
    return workdir


def read_outcome(workdir: Path, name: str) -> dict:
    return json.loads((workdir / "outcomes" / f"{name}.json").read_text())


def test_a_resumed_sweep_ends_with_one_table_sorted_by_validation_loss(
    workdir, arguments, run_binary
):
    done = run_binary("sweep", *arguments, "--collect")
    assert done.returncode == 0, done.stderr
    with (workdir / "sweep.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [line["status"] for line in lines] == ["done"] * 2 + ["failed"]
    assert {line["run"] for line in lines[:2]} == set(NAMES[:2])
    losses = [float(line["val_loss"]) for line in lines[:2]]
    assert losses == sorted(losses)
    (tested,) = (line for line in lines if line["run"] == NAMES[0])
    for view in ("original", "trimmed"):
        low, auc, high = (float(tested[f"test_{view}_auc{end}"]) for end in ("_low", "", "_high"))
        assert 0 <= low <= auc <= high <= 1
    assert int(tested["val_step"]) in (3, 6)
    assert "did you mean 'alignment'" in lines[2]["reason"]
    assert f"`runs/{lines[0]['run']}`" in (workdir / "sweep.md").read_text()
    assert (workdir / "sweep.png").stat().st_size > 1000


def test_each_run_has_the_config_and_log_of_its_command(workdir):
    config = json.loads((workdir / "runs" / NAMES[1] / "config.json").read_text())
    assert (config["seed"], config["train"]["num_steps"]) == (1, 6)
    log = (workdir / "logs" / f"{NAMES[1]}.log").read_text()
    assert "$ avsync-train --config=configs/quickstart.py:test --workdir=" in log


def test_a_workdir_of_another_sweep_and_an_unknown_sweep_are_refused(
    workdir, tiny_data, run_binary
):
    sweep = ["sweep", "--config=configs/quickstart.py:test", f"--workdir={workdir}", "--collect"]
    done = run_binary(*sweep, "--sweep=configs/sweeps/seeds.py")
    assert done.returncode == 1
    assert f"{workdir} holds another sweep" in done.stderr
    done = run_binary(*sweep, "--sweep=configs/sweeps/sedes.py")
    assert done.returncode == 2
    assert "did you mean 'configs/sweeps/seeds.py'?" in done.stderr
    assert "avsync-sweep --help" in done.stderr or "sweep.py --help" in done.stderr
