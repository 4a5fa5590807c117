"""Configs and sweeps are found by name from anywhere, and their mistakes by file and line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from avsync.config import default, files, with_changes
from avsync.config.files import CONFIG, SWEEP
from avsync.sweeps.space import Space
from tests.conftest import ROOT

GRID = ROOT / "configs" / "grid.py"


@pytest.mark.parametrize(
    ("text", "path", "arg"),
    [
        ("grid", GRID, ""),
        ("grid:supervised", GRID, "supervised"),
        ("configs/grid.py:supervised", GRID, "supervised"),
        (f"{GRID}:test", GRID, "test"),
    ],
)
def test_a_config_is_found_by_name_or_path_from_any_folder(monkeypatch, tmp_path, text, path, arg):
    monkeypatch.chdir(tmp_path)
    assert files.find(CONFIG, text) == (path, arg)


def test_a_file_of_the_working_directory_comes_first(monkeypatch, tmp_path):
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "grid.py").write_text("")
    monkeypatch.chdir(tmp_path)
    assert files.find(CONFIG, "configs/grid.py")[0] == Path("configs/grid.py")
    assert files.find(CONFIG, "grid")[0] == GRID


def test_a_package_with_configs_inside_reads_those(tmp_path):
    package = tmp_path / "avsync"
    for name in ("__init__.py", "lookup.py", "names.py", "units.py"):
        (package / name).parent.mkdir(exist_ok=True)
        (package / name).write_text((ROOT / "avsync" / name).read_text())
    for name in ("config", "models", "pp"):
        (package / name).symlink_to(ROOT / "avsync" / name)
    # Python resolves no links when it names a module's file.
    (package / "configs" / "sweeps").mkdir(parents=True)
    (package / "configs" / "mine.py").write_text('"""My config."""\n')
    done = subprocess.run(
        [sys.executable, "-c", "from avsync.config import files; print(files.names(files.CONFIG))"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "['mine']\n", done.stderr


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        (CONFIG, "grd", r"unknown config: 'grd'; did you mean 'grid'\? Known: .*quickstart"),
        (CONFIG, "configs/grd.py", r"config not found: .*; did you mean 'configs/grid\.py'\?"),
        (CONFIG, "/nowhere/grid.py", "config not found: .*; did you mean 'grid'"),
        (CONFIG, "grid:supervisd", "--config=grid:supervisd: .*did you mean 'supervised'"),
        (SWEEP, "sedes", "unknown sweep: 'sedes'; did you mean 'seeds'"),
        (SWEEP, "configs/sweeps/sedes.py", r"did you mean 'configs/sweeps/seeds\.py'\?"),
        (SWEEP, "seeds:x", "--sweep=seeds:x: expected a number such as 3, got 'x'"),
        (SWEEP, "learning_rate:1-x", "expected a range such as 3e-4-1e-2, got '1-x'"),
    ],
)
def test_a_mistyped_name_is_an_error_that_names_the_nearest(monkeypatch, kind, text, message):
    monkeypatch.chdir(ROOT)
    with pytest.raises(ValueError, match=message) as caught:
        files.run(kind, text)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("config = default(", "mine.py:4: SyntaxError: "),
        ("return nothing", "mine.py:4: NameError: name 'nothing' is not defined"),
        ("default().trian.seed = 1", 'mine.py:4: AttributeError: .*Did you mean "train"'),
        ("default().train.num_steps = 'x'", "mine.py:4: TypeError: .*num_steps"),
        ("return encoder('lipconv')", "mine.py:4: unknown encoder: 'lipconv'"),
    ],
)
def test_a_broken_config_file_is_named_with_its_line(tmp_path, code, message):
    path = tmp_path / "mine.py"
    path.write_text(
        f"from avsync.config import default, encoder\n\ndef get_config(arg=''):\n    {code}\n"
    )
    with pytest.raises(ValueError, match=message) as caught:
        files.run(CONFIG, str(path))
    assert len(str(caught.value).splitlines()) == 1


def test_the_line_of_a_broken_file_is_named_for_a_relative_path_too(monkeypatch, tmp_path):
    (tmp_path / "mine.py").write_text("import math\n\nRATE = math.log(-1)\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"^mine\.py:3: math domain error"):
        files.run(CONFIG, "mine.py")


def test_a_file_without_its_function_is_refused(tmp_path):
    (tmp_path / "mine.py").write_text("")
    with pytest.raises(ValueError, match=r"mine\.py has no function get_sweep\(arg\)"):
        files.run(SWEEP, str(tmp_path / "mine.py"))


@pytest.mark.parametrize("name", files.names(SWEEP))
def test_the_sweeps_that_come_with_avsync_fit_the_config(name):
    runs = files.run(SWEEP, name)
    runs = runs.sampled() if isinstance(runs, Space) else runs
    assert len(runs) >= 3
    for changes in runs:
        with_changes(default(), changes)


def test_learning_rates_are_half_an_order_of_magnitude_apart():
    runs = files.run(SWEEP, "learning_rate:1e-4-1e-3")
    assert [run["optim.learning_rate"] for run in runs] == [1e-4, 3e-4, 1e-3]
