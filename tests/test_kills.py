"""Programs that are killed at any moment: run again, each has the results of an undisturbed run.

Ten kills of each, and how many of the results are equal:

    python -m pytest -m slow tests/test_kills.py -s

The programs that no other test kills are killed once in every run of the tests.
"""

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
import pytest

from avsync import checkpoint
from tests import warm
from tests.conftest import ROOT, Process, environment
from tests.small_models import random_params, small_config
from tests.test_extract_binary import weights
from tests.test_resume import latest_step, read_metrics, train_arguments

__all__ = ["weights"]  # a fixture

NUM_KILLS = 10

EXPORTED = "scorer"

# Nothing is written before; a kill there is no test.
FIRST_SECONDS = 1.0

Results = dict[str, object]


class Program(NamedTuple):
    """A program, its arguments, and how its results are read from the folder that it writes.

    `is_under_way` tells when the output has come so far that a kill is to be tried.
    """

    name: str
    arguments: Callable[[Path], list[str]]
    results: Callable[[Path], Results]
    is_under_way: Callable[[Path], bool] = lambda _: True


def all_files(out: Path) -> Results:
    """The contents of all files; a temporary one that was left behind would be one too many."""
    return {
        str(path.relative_to(out)): path.read_bytes().replace(bytes(out), b"OUT")
        for path in out.rglob("*")
        if path.is_file()
    }


def sorted_lines(out: Path) -> Results:
    """The contents of all files; of those that grow line by line, the lines in any order."""
    growing = {path.name: sorted(path.read_bytes().splitlines()) for path in out.glob("*.jsonl")}
    return all_files(out) | growing


def trained(workdir: Path) -> Results:
    leaves = jax.tree.leaves(checkpoint.load_params(workdir, 20))
    return {
        "metrics": read_metrics(workdir),
        "params": [np.asarray(leaf).tobytes() for leaf in leaves],
        "files": sorted(path.name for path in (workdir / "checkpoints").iterdir()),
    }


def swept(workdir: Path) -> Results:
    """The outcomes without the time, the metrics, and the names of all files that are the same in
    every undisturbed run: not those of checkpoints, event files and compiled programs.
    """
    outcomes = [json.loads(path.read_text()) for path in sorted(workdir.glob("outcomes/*.json"))]
    return {
        "outcomes": [
            {k: v for k, v in one.items() if k not in ("began", "seconds")} for one in outcomes
        ],
        "metrics": [read_metrics(run) for run in sorted(workdir.glob("runs/*"))],
        "files": sorted(
            str(path.relative_to(workdir))
            for path in workdir.rglob("*")
            if not {"checkpoints", "compiled", "tensorboard"} & set(path.parts)
        ),
    }


@pytest.fixture(scope="module")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of a model of clips, with the scores of 40 calibration clips."""
    workdir = tmp_path_factory.mktemp("runs") / "clips"
    config = small_config("lip_conv")
    checkpoint.write_config(workdir, json.loads(config.to_json()))
    checkpoint.write_params(workdir, random_params(config, None))
    rules = {"frame": config.score.frame, "pooling": config.score.pooling, "trim": "leading"}
    scores = {"dataset": "grid", "split": "val", "num_frames": 75, "scores": list(range(40))}
    checkpoint.write_calibration(workdir, 0, scores | rules)
    return workdir


@pytest.fixture(scope="module")
def score(small_model: Path, testdata: Path) -> Program:
    clips = sorted((testdata / "grid_s1" / "video").glob("*.mkv"))[:2]
    options = [f"--checkpoint={small_model}", *map(str, clips)]
    return Program("score", lambda out: [*options, f"--out={out}"], sorted_lines)


@pytest.fixture(scope="module")
def score_many(small_model: Path, testdata: Path) -> Program:
    """Two workers, whose results come in any order."""
    clips = sorted((testdata / "grid_s1" / "video").glob("*.mkv"))[:12]
    options = [f"--checkpoint={small_model}", "--frames", "--workers=2", *map(str, clips)]
    has_results = lambda out: (out / "scores.jsonl").exists()  # noqa: E731
    arguments = lambda out: [*options, f"--out={out}"]  # noqa: E731
    return Program("score", arguments, sorted_lines, has_results)


@pytest.fixture(scope="module")
def evaluate(small_model: Path, tiny_data: Path) -> Program:
    options = [f"--checkpoint={small_model}", "--dataset=synthetic_talkers/tiny", "--split=val"]
    options.append(f"--data_dir={tiny_data}")
    return Program("evaluate", lambda out: [*options, f"--out={out}"], all_files)


@pytest.fixture(scope="module")
def export(small_model: Path) -> Program:
    return Program(
        "export", lambda out: [f"--checkpoint={small_model}", f"--out={out / EXPORTED}"], all_files
    )


@pytest.fixture(scope="module")
def extract(weights: Path, tiny_data: Path) -> Program:
    options = ["--encoder=avhubert", f"--weights={weights}", "--split=val,val_labelled"]
    options += ["--dataset=synthetic_talkers/tiny", "--out_name=features"]

    def arguments(out: Path) -> list[str]:
        shutil.copytree(tiny_data, out, dirs_exist_ok=True)
        return [*options, f"--data_dir={out}"]

    return Program("extract", arguments, lambda out: all_files(out / "features"))


@pytest.fixture(scope="module")
def train(tiny_data: Path) -> Program:
    return Program(
        "train",
        lambda out: train_arguments(tiny_data, out),
        trained,
        is_under_way=lambda out: latest_step(out / "checkpoints") >= 5,
    )


@pytest.fixture(scope="module")
def sweep(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Program:
    path = tmp_path_factory.mktemp("sweeps") / "seeds.py"
    path.write_text("def get_sweep(arg=''):\n    return [{'seed': 0}, {'seed': 1}]\n")
    options = ["--config=configs/quickstart.py:test", f"--sweep={path}", "--split="]
    options += [f"--config.data.data_dir={tiny_data}", "--config.train.num_steps=3"]
    return Program("sweep", lambda out: [*options, f"--workdir={out}"], swept)


def start(program: Program, out: Path) -> Process:
    arguments = program.arguments(out)
    module, env = f"avsync.bin.{program.name}", environment(devices=1)
    return warm.start(module, arguments, cwd=ROOT, env=env, session=True)


def run_to_the_end(program: Program, out: Path) -> Results:
    process = start(program, out)
    _, messages = process.communicate(timeout=600)
    assert process.returncode == 0, messages
    return program.results(out)


def wait_until_under_way(program: Program, process: Process, out: Path) -> None:
    time.sleep(FIRST_SECONDS)
    while process.poll() is None and not program.is_under_way(out):
        time.sleep(0.01)


def seconds_to_the_end(program: Program, out: Path) -> float:
    """How long the program runs from where it may be killed."""
    process = start(program, out)
    wait_until_under_way(program, process, out)
    since = time.monotonic()
    _, messages = process.communicate(timeout=600)
    assert process.returncode == 0, messages
    return time.monotonic() - since


def kill_and_run_again(program: Program, out: Path, *, after: float) -> tuple[bool, Results]:
    """Whether the program was killed before its end, and the results of the second run."""
    process = start(program, out)
    wait_until_under_way(program, process, out)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=after)
    was_killed = process.poll() is None
    if was_killed:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    # A folder that is there is whole: a second export to it is refused.
    if program.name == "export" and (out / EXPORTED).exists():
        return was_killed, program.results(out)
    return was_killed, run_to_the_end(program, out)


def try_kills(program: Program, folder: Path, *, number: int) -> None:
    """Kills the program at `number` random times, each in a new folder."""
    undisturbed = folder / "undisturbed"
    seconds = seconds_to_the_end(program, undisturbed)
    expected = program.results(undisturbed)
    assert expected
    random_state = random.Random(program.name)
    unequal, num_killed = [], 0
    for index in range(number):
        after = random_state.uniform(0, seconds)
        was_killed, found = kill_and_run_again(program, folder / str(index), after=after)
        num_killed += was_killed
        names = {name for name in expected | found if expected.get(name) != found.get(name)}
        if names:
            unequal.append(f"{folder / str(index)}: killed after {after:.2f} s: {sorted(names)}")
        else:
            shutil.rmtree(folder / str(index))
    print(
        f"\n{program.name}: {number} tries, {num_killed} killed before the end, "
        f"{number - len(unequal)} equal, at random in {seconds:.1f} s",
        flush=True,
    )
    assert not unequal, "\n".join(unequal)
    assert num_killed


@pytest.mark.grid
def test_a_killed_scoring_has_equal_results_when_it_is_run_again(score: Program, tmp_path: Path):
    try_kills(score, tmp_path, number=1)


@pytest.mark.parametrize("name", ["export"])
def test_a_killed_program_has_equal_results_when_it_is_run_again(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
):
    try_kills(request.getfixturevalue(name), tmp_path, number=1)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["score_many", "evaluate", "export", "extract", "train", "sweep"])
def test_ten_kills_at_random_times(name: str, request: pytest.FixtureRequest, tmp_path: Path):
    try_kills(request.getfixturevalue(name), tmp_path, number=NUM_KILLS)
