"""However a program ends, its workers are gone, and it says why if anybody listens."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT, Run, Start


@pytest.mark.grid
def test_a_preparation_that_a_signal_ends_leaves_no_worker_and_can_be_resumed(
    testdata: Path, tmp_path: Path, run_binary: Run, start_binary: Start
):
    source = tmp_path / "grid" / "s1"
    source.mkdir(parents=True)
    for path in sorted((testdata / "grid_s1" / "video").glob("*.mkv"))[:12]:
        (source / path.name).symlink_to(path)
    arguments = ["--dataset=grid/heldout", f"--source={source.parent}", "--workers=1"]
    arguments.append(f"--data_dir={tmp_path / 'data'}")
    process = start_binary("prepare", *arguments, session=True)
    work = tmp_path / "data" / "grid" / "heldout" / "preparing"
    while not any(path.stat().st_size for path in work.glob("journals/*.jsonl")):
        assert process.poll() is None, "the preparation was done before it could be ended"
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    _, messages = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert messages.splitlines()[-1] == "prepare.py: ended by SIGTERM"
    deadline = time.monotonic() + 5  # the watchman of Python's own shared memory ends last
    while running(session=process.pid):
        assert time.monotonic() < deadline, running(session=process.pid)
        time.sleep(0.05)
    done = run_binary("prepare", *arguments)
    assert done.returncode == 0, done.stderr
    assert "prepared 12 of 12 files: 12 clips, 0 rejected" in done.stderr
    assert not list((tmp_path / "data").rglob("*.part"))


def running(*, session: int) -> list[str]:
    """The process ids of a session that have not ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, number = path.read_text().rpartition(")")[2].split()[:4]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(number) == session and state != "Z":
            found.append(path.parent.name)
    return found


def test_a_closed_stderr_does_not_change_the_exit_status():
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "avsync.bin.audit"], cwd=ROOT, stderr=writer, timeout=60
    )
    os.close(writer)
    assert done.returncode == 2
