"""A file is there as a whole or not at all."""

import subprocess
import sys
import time

import pytest

from avsync.files import atomic_write, file_lock
from tests.conftest import ROOT

WRITE_WITHOUT_END = """
import sys
from pathlib import Path
from avsync.files import file_lock, atomic_write
while True:
    for letter in b"ab":
        atomic_write(Path(sys.argv[1]), bytes([letter]) * 1_000_000)
"""


@pytest.mark.parametrize("content", ["süß\n", b"\x00\xff"])
def test_what_is_written_is_all_that_is_left(tmp_path, content):
    path = tmp_path / "values.json"
    path.write_text("what was there before")
    atomic_write(path, content)
    assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
    assert list(tmp_path.iterdir()) == [path]


def test_a_writer_that_is_killed_leaves_a_whole_file(tmp_path):
    path = tmp_path / "values"
    for _ in range(3):
        path.unlink(missing_ok=True)
        writer = subprocess.Popen([sys.executable, "-c", WRITE_WITHOUT_END, path], cwd=ROOT)
        while not path.exists():
            assert writer.poll() is None
            time.sleep(0.001)
        writer.kill()
        writer.wait()
        content = path.read_bytes()
        assert len(content) == 1_000_000
        assert len(set(content)) == 1


def test_what_one_holds_no_other_can_and_it_is_free_again_at_its_end(tmp_path):
    path = tmp_path / "job" / "work.lock"
    refused = pytest.raises(ValueError, match=r"job is in use .* holds work\.lock")
    with file_lock(path), refused, file_lock(path):
        pass
    with file_lock(path):
        pass
