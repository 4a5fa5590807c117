"""avsync installed from its wheel, in a folder without the repository: what a user of pip has.

The new environment sees the packages of this one (TensorFlow alone takes minutes to install), but
not avsync's editable installation: a .pth file adds the folder, and .pth files inside it are not
read again.
"""

import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from avsync import __version__, lookup
from tests.conftest import ROOT, environment

pytestmark = pytest.mark.slow

Run = Callable[..., subprocess.CompletedProcess[str]]

COMMANDS = ["avsync", *[f"avsync-{name}" for name in lookup.names("bin")]]


@pytest.fixture(scope="module")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    run_checked(*pip, "wheel", "--no-deps", f"--wheel-dir={folder}", str(ROOT))
    (wheel,) = folder.glob("avsync-*.whl")
    venv = folder / "venv"
    run_checked(sys.executable, "-m", "venv", "--without-pip", str(venv))
    python = str(venv / "bin" / "python")
    run_checked(*pip, "--python", python, "install", "--no-deps", str(wheel))
    paths = sysconfig.get_paths(vars={"base": str(venv), "platbase": str(venv)})
    Path(paths["purelib"], "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return venv


@pytest.fixture
def run(venv: Path, tmp_path: Path) -> Run:
    """`run("avsync-train", "--config=…")`: a console script of the wheel, in an empty folder."""

    def run(command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [venv / "bin" / command, *arguments],
            cwd=tmp_path,
            env=without_repository(),
            capture_output=True,
            text=True,
            timeout=600,
        )

    return run


def without_repository() -> dict[str, str]:
    return {name: value for name, value in environment(devices=1).items() if name != "PYTHONPATH"}


def run_checked(*command: str) -> None:
    done = subprocess.run(command, env=without_repository(), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_package_comes_from_the_wheel_with_configs_and_types(venv, run):
    done = run("python", "-c", "import avsync; print(avsync.__file__)")
    package = Path(done.stdout.strip()).parent
    assert package.is_relative_to(venv)
    assert (package / "py.typed").is_file()
    in_repository = {path.relative_to(ROOT) for path in ROOT.glob("configs/**/*.py")}
    assert in_repository
    assert {path.relative_to(package) for path in package.glob("configs/**/*.py")} == in_repository


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_installed_and_shows_its_help(run, command):
    done = run(command, "--help")
    assert done.returncode == 0, done.stderr
    assert command in done.stdout


@pytest.mark.parametrize("name", lookup.names("bin"))
def test_the_umbrella_shows_the_help_of_each_command(run, name):
    done = run("avsync", name, "--help")
    assert done.returncode == 0, done.stderr
    assert f"avsync-{name}" in done.stdout


def test_the_version_is_that_of_the_wheel(run):
    assert run("avsync", "--version").stdout == f"avsync {__version__}\n"
    program = "from importlib import metadata; print(metadata.version('avsync'))"
    assert run("python", "-c", program).stdout == f"{__version__}\n"


def test_importing_avsync_takes_less_than_0_3_seconds(run):
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        assert run("python", "-c", "import avsync").returncode == 0
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.3


def test_a_config_is_found_by_name_and_trains(run, tiny_data, tmp_path):
    workdir = tmp_path / "run"
    done = run(
        "avsync-train",
        "--config=quickstart:test",
        f"--workdir={workdir}",
        f"--config.data.data_dir={tiny_data}",
    )
    assert done.returncode == 0, done.stderr
    assert (workdir / "checkpoints" / "6").is_dir()


def test_a_sweep_is_found_by_name_and_runs(run, tiny_data, tmp_path):
    workdir = tmp_path / "sweep"
    done = run(
        "avsync",
        "sweep",
        "--config=quickstart:test",
        "--sweep=seeds",
        f"--workdir={workdir}",
        "--split=",
        "--only=1",
        f"--config.data.data_dir={tiny_data}",
    )
    assert done.returncode == 0, done.stderr
    assert (workdir / "runs" / "001_seed=1" / "checkpoints" / "6").is_dir()


def test_the_shipped_scorer_scores_a_video(run, testdata, tmp_path):
    video = min(testdata.glob("grid_s1/video/*.mkv"))
    done = run("avsync-score", f"--out={tmp_path / 'scores'}", str(video))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "scores" / "scores.json").is_file()
