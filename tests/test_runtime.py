"""Multi-process start, preemption, the compilation cache and TensorFlow's devices."""

import io
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from avsync import files, runtime
from avsync.train.preemption import Preemption
from avsync.types import Host
from tests.conftest import ROOT


@pytest.mark.parametrize("environment", [{}, {"AVSYNC_PROCESSES": "1"}])
def test_a_single_process_is_the_first_and_gathers_its_own_values(environment):
    runtime.join_job(environment)
    assert runtime.this_host() == Host(0, 1)
    assert runtime.is_first()
    assert runtime.allgather_json({"loss": 0.1}) == [{"loss": 0.1}]


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"AVSYNC_PROCESSES": "2"}, "AVSYNC_PROCESS_INDEX='' are invalid"),
        (
            {"AVSYNC_PROCESSES": "2", "AVSYNC_PROCESS_INDEX": "2"},
            "number of processes and an index below it",
        ),
        ({"AVSYNC_PROCESSES": "all", "AVSYNC_PROCESS_INDEX": "0"}, "or AVSYNC_PROCESSES=auto"),
        (
            {"AVSYNC_PROCESSES": "2", "AVSYNC_PROCESS_INDEX": "0"},
            "needs JAX_COORDINATOR_ADDRESS=HOST:PORT",
        ),
    ],
)
def test_incomplete_environment_variables_are_refused(environment, message):
    with pytest.raises(ValueError, match=message):
        runtime.join_job(environment)


def test_sigterm_preempts_a_job_only_within_the_context():
    before = signal.getsignal(signal.SIGTERM)
    with Preemption() as preemption:
        assert not preemption.is_due(1)
        signal.raise_signal(signal.SIGTERM)
        assert preemption.is_due(2)
    assert signal.getsignal(signal.SIGTERM) == before


def test_progress_within_an_item_that_takes_long_is_a_plain_line_now_and_then(capsys, monkeypatch):
    # The start, four calls within the first file, its end, and a call within the second.
    now = iter([0, 4, 20, 21, 40, 50, 55])
    monkeypatch.setattr(runtime.time, "monotonic", lambda: next(now))
    monkeypatch.setattr(runtime, "PLAIN_LINE_SECONDS", 10)
    with runtime.Progress("scoring", total=2) as progress:
        within = progress.within("a.mp4")
        within("faces", 10, 5_000)
        within("faces", 1_000, 5_000)
        within("model", 100, 5_000)
        within("model", 2_500, 5_000)
        progress.advance_to(1, "a.mp4")
        progress.within("b.mp4")("faces", 50, 100)
    assert capsys.readouterr().err.splitlines() == [
        "scoring: 0/2 a.mp4, faces 1,000/5,000 (64 s left in this stage)",
        "scoring: 0/2 a.mp4, model 2,500/5,000 (19 s left in this stage)",
    ]


def test_a_second_bar_shows_the_progress_within_an_item_until_it_is_done(monkeypatch):
    terminal = io.StringIO()
    console = Console(file=terminal, force_terminal=True, width=120)
    monkeypatch.setattr(runtime, "_ProgressConsole", lambda **_: console)
    with runtime.Progress("scoring", total=1) as progress:
        bar = progress._bar
        assert bar is not None
        progress.within("a.mp4")("faces", 250, 1_000)
        bar.refresh()
        shown = terminal.getvalue()
        progress.advance_to(1, "a.mp4")
        bar.refresh()
    assert re.search(r"a\.mp4, faces.* 250/1000", shown)
    assert "scoring" in shown
    assert "faces" not in terminal.getvalue()[len(shown) :]


def test_compiled_programs_are_stored_in_the_users_cache():
    found = runtime.compilation_cache({"XDG_CACHE_HOME": "/elsewhere"})
    assert found == Path("/elsewhere/avsync/compiled")
    assert runtime.compilation_cache({}) == Path.home() / ".cache" / "avsync" / "compiled"


def test_a_cache_of_programs_is_made_for_its_user_alone(tmp_path):
    assert files.make_private(tmp_path / "cache" / "compiled") == ""
    assert (tmp_path / "cache" / "compiled").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("place", "mode"), [("compiled", 0o777), (".", 0o777), ("compiled", 0o1777)]
)
def test_a_cache_that_others_can_write_to_is_not_used(tmp_path, capsys, monkeypatch, place, mode):
    folder = tmp_path / "cache" / "compiled"
    assert files.make_private(folder) == ""
    (folder.parent / place).chmod(mode)
    monkeypatch.delenv(runtime.COMPILATION_CACHE, raising=False)
    monkeypatch.setattr(runtime, "compilation_cache", lambda environment: folder)
    before = runtime.jax.config.jax_compilation_cache_dir
    runtime.start()
    assert runtime.jax.config.jax_compilation_cache_dir == before
    assert capsys.readouterr().err.startswith(f"compiled programs are not kept: {folder} is not s")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_cache_of_another_user_is_not_used(tmp_path):
    (tmp_path / "theirs").mkdir(mode=0o755)
    os.chown(tmp_path / "theirs", 12345, 12345)
    assert "belongs to another user" in files.make_private(tmp_path / "theirs" / "compiled")


def test_an_imported_tensorflow_sees_no_accelerator_after_start(monkeypatch):
    hidden = []

    def hide(devices: list, kind: str) -> None:
        hidden.append((devices, kind))

    tensorflow = SimpleNamespace(config=SimpleNamespace(set_visible_devices=hide))
    monkeypatch.setitem(sys.modules, "tensorflow", tensorflow)
    runtime.start()
    assert hidden == [([], "GPU"), ([], "TPU")]


def test_start_and_batching_import_no_tensorflow():
    code = "import sys; from avsync import runtime; import avsync.input_pipeline.batching\n"
    code += "runtime.start(); print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr


def test_recommended_xla_flags_are_known_to_the_compiler():
    # An unknown flag ends the process at once, and flags change with the version of jaxlib.
    (flags,) = re.findall(r'export XLA_FLAGS="(.*)"', (ROOT / "launch" / "README.md").read_text())
    done = subprocess.run(
        [sys.executable, "-c", "import jax; print(jax.numpy.zeros(1).shape)"],
        env={**os.environ, "XLA_FLAGS": flags},
        capture_output=True,
        text=True,
    )
    assert flags.startswith("--xla_gpu_")
    assert done.stdout == "(1,)\n", done.stderr
