"""avsync without TensorFlow, the extra `train`: what works, and what the other commands say.

The slow test installs avsync anew, as one who only scores videos does (5 minutes, 1.7 GB):

    bash launch/test.sh -m slow tests/test_without_tensorflow.py
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

# Imports of TensorFlow fail as if it were not installed.
WITHOUT = """
import importlib, sys
sys.modules["tensorflow"] = None
name = sys.argv[1]
sys.argv = [f"avsync-{name}", *sys.argv[2:]]
importlib.import_module(f"avsync.bin.{name}").run()
"""

MISSING = "needs TensorFlow: pip install 'avsync[train]'"


def without_tensorflow(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT, name, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("train", ["--config=quickstart:test", "--workdir={folder}/run"]),
        ("prepare", ["--dataset=synthetic_talkers/tiny", "--data_dir={folder}"]),
        ("audit", ["--dataset=synthetic_talkers/tiny", "--data_dir={folder}", "--out={folder}/a"]),
    ],
)
def test_a_command_that_needs_tensorflow_says_how_to_install_it(name, arguments, tmp_path: Path):
    done = without_tensorflow(name, *(each.format(folder=tmp_path) for each in arguments))
    assert done.returncode == 2, done.stderr
    assert done.stderr == f"avsync-{name}: this command {MISSING}\n"
    assert not list(tmp_path.rglob("*"))


def test_a_sweep_without_a_test_needs_no_tensorflow_itself(tmp_path: Path):
    options = ["--config=quickstart:test", "--sweep=seeds:1", f"--workdir={tmp_path}", "--split="]
    done = without_tensorflow("sweep", *options, "--collect")
    assert done.returncode == 0, done.stderr
    assert "not begun" in done.stdout


@pytest.mark.slow
def test_a_scoring_installation_has_no_tensorflow_and_scores(testdata: Path, tmp_path: Path):
    pip = [sys.executable, "-m", "pip", "-qq", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", f"--wheel-dir={tmp_path}", ROOT], check=True)
    (wheel,) = tmp_path.glob("avsync-*.whl")
    bin_folder = tmp_path / "venv" / "bin"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bin_folder.parent], check=True)
    pip += ["--python", str(bin_folder / "python")]
    subprocess.run([*pip, "install", f"{wheel}[prepare]"], check=True)
    metadata = "import importlib.metadata as m; print(*{d.name for d in m.distributions()})"
    listed = [bin_folder / "python", "-c", metadata]
    packages = set(
        subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split()
    )
    assert not packages & {"tensorflow", "tensorflow_cpu", "tensorflow-cpu"}
    # What avsync is built with, whatever the extras.
    assert packages >= {"jax", "flax", "optax", "orbax-checkpoint", "librosa", "ml_collections"}
    assert "tensorflow-datasets" in packages

    def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [bin_folder / f"avsync-{name}", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    video = min(testdata.glob("grid_s1/video/*.mkv"))
    done = run("score", f"--out={tmp_path / 'scores'}", str(video))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "scores" / "scores.csv").is_file()
    done = run("train", "--config=quickstart:test", f"--workdir={tmp_path / 'run'}")
    assert (done.returncode, MISSING in done.stderr) == (2, True)
