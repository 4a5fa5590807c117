"""However a scoring job ends, it says so in one line, its worker is gone, and nothing is left."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import warm
from tests.conftest import ROOT, Run, environment
from tests.media.media_files import write_bomb
from tests.scoring.video.checkpoints import write_untrained

pytestmark = pytest.mark.grid

SCORE = "avsync.bin.score"


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory, testdata: Path) -> list[str]:
    """Scores a real clip, and then a file that takes half a minute."""
    folder = tmp_path_factory.mktemp("endings")
    slow = write_bomb(folder / "slow.mov", side_pixels=4000, num_frames=150)
    clip = testdata / "grid_s1" / "video" / "bbaf2n.mkv"
    checkpoint = write_untrained(folder)
    return [f"--checkpoint={checkpoint}", str(clip), str(slow)]


class Job:
    """A scoring job in its own folders, begun when this object is made.

    With a stdout of its own, or after `prepare`, it is started cold.
    """

    def __init__(
        self,
        command: list[str],
        folder: Path,
        *,
        prepare: Callable | None = None,
        stdout: int | None = None,
    ):
        self.out, self.buffers = folder / "out", folder / "tmp"
        self.buffers.mkdir()
        env = environment(devices=1) | {"TMPDIR": str(self.buffers)}
        arguments = [*command, f"--out={self.out}"]
        if prepare is None and stdout is None:
            self.process = warm.start(SCORE, arguments, cwd=ROOT, env=env)
        else:
            self.process = subprocess.Popen(
                [sys.executable, "-m", SCORE, *arguments],
                cwd=ROOT,
                env=env,
                stdout=subprocess.PIPE if stdout is None else stdout,
                stderr=subprocess.PIPE,
                text=True,
                preexec_fn=prepare,
            )

    def wait_for_first_result(self) -> None:
        lines = self.out / "scores.jsonl"
        while not (lines.is_file() and lines.read_bytes()):
            assert self.process.poll() is None, self.process.communicate()[1]
            time.sleep(0.02)

    def workers(self) -> list[int]:
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        children = [pid for task in tasks for pid in task.read_text().split()]
        # The other one is multiprocessing's own, the resource tracker.
        lines = {int(pid): Path(f"/proc/{pid}/cmdline").read_text() for pid in children}
        return [pid for pid, line in lines.items() if "spawn_main" in line]


def is_gone(pid: int) -> bool:
    """Return whether the process ends within seconds."""
    status = Path(f"/proc/{pid}/status")
    for _ in range(250):
        try:
            if "State:\tZ" in status.read_text():
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize(
    ("number", "line"),
    [
        (signal.SIGTERM, "ended by SIGTERM"),
        pytest.param(signal.SIGHUP, "ended by SIGHUP", marks=pytest.mark.slow),
        (signal.SIGINT, "interrupted"),
    ],
)
def test_a_signal_ends_the_job_and_what_was_scored_is_kept(command, tmp_path, number, line):
    job = Job(command, tmp_path)
    job.wait_for_first_result()
    workers = job.workers()
    job.process.send_signal(number)
    _, errors = job.process.communicate(timeout=60)
    assert job.process.returncode == 128 + number
    assert errors.splitlines()[-1] == f"score.py: {line}"
    assert "Traceback" not in errors
    (entry,) = json.loads((job.out / "scores.json").read_text())
    assert entry["status"] == "ok"
    assert workers
    assert all(map(is_gone, workers))
    assert list(job.buffers.iterdir()) == []
    assert list(job.out.glob("*.part")) == []


def test_a_killed_job_leaves_its_results_and_no_worker(command, tmp_path, run_binary: Run):
    job = Job(command, tmp_path)
    job.wait_for_first_result()
    workers = job.workers()
    second = run_binary("score", *command, f"--out={job.out}")
    assert second.returncode == 1
    (refused,) = second.stderr.splitlines()
    assert "is in use by another process, which holds scores.lock" in refused
    job.process.kill()
    job.process.communicate()
    assert all(map(is_gone, workers))
    assert list(job.buffers.iterdir()) == []
    (line,) = (job.out / "scores.jsonl").read_text().splitlines()
    assert json.loads(line)["status"] == "ok"


def test_a_worker_that_is_killed_costs_its_file(command, tmp_path):
    job = Job([*command, "missing.mp4", "--workers=1", "--pictures=none"], tmp_path)
    job.wait_for_first_result()
    (worker,) = job.workers()
    os.kill(worker, signal.SIGSEGV)
    _, errors = job.process.communicate(timeout=60)
    assert job.process.returncode == 0, errors
    entries = json.loads((job.out / "scores.json").read_text())
    assert [entry["status"] for entry in entries] == ["ok", "crashed", "missing_file"]
    assert "SIGSEGV" in entries[1]["message"]


def test_a_closed_stdout_ends_in_one_line_and_all_results_are_written(command, tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    job = Job(command[:-1], tmp_path, stdout=writer)
    os.close(writer)
    _, errors = job.process.communicate(timeout=60)
    assert job.process.returncode == 128 + signal.SIGPIPE
    assert errors.splitlines()[-1] == "score.py: not all was printed: stdout was closed"
    (entry,) = json.loads((job.out / "scores.json").read_text())
    assert entry["status"] == "ok"


def test_a_job_without_stdin_with_few_descriptors_and_private_files_is_done(command, tmp_path):
    def restrict() -> None:
        os.close(0)
        os.umask(0o077)
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))

    job = Job(command[:-1], tmp_path, prepare=restrict)
    _, errors = job.process.communicate(timeout=60)
    assert job.process.returncode == 0, errors
    modes = {path.stat().st_mode & 0o777 for path in job.out.iterdir()}
    assert modes == {0o600}


def test_a_full_temporary_folder_ends_the_job_and_is_named(command, tmp_path):
    def restrict() -> None:  # the crops have 680 kB
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    job = Job(command[:-1], tmp_path, prepare=restrict)
    _, errors = job.process.communicate(timeout=60)
    assert job.process.returncode == 1
    (line,) = errors.splitlines()
    assert f"cannot buffer mouth crops in {job.buffers}: File too large; set TMPDIR" in line


def test_a_folder_that_cannot_be_written_is_found_before_anything_is_computed(
    command, tmp_path, run_binary: Run
):
    (tmp_path / "file").touch()
    began = time.monotonic()
    done = run_binary("score", f"--out={tmp_path / 'file'}", command[-2])
    assert time.monotonic() - began < 15
    assert done.returncode == 1
    assert done.stderr == f"score.py: {tmp_path / 'file'}: File exists\n"
