"""Files are written completely or not at all, and a lock has one holder."""

import os
import resource
import subprocess
import sys
import time

import pytest

from avsync.files import (
    append_line,
    atomic_write,
    file_lock,
    in_use,
    remove_unfinished,
    replacing,
    require_new,
    unfinished_path,
)
from tests.conftest import ROOT

WRITE_FOREVER = """
import sys
from pathlib import Path
from avsync.files import file_lock, atomic_write
while True:
    for letter in b"ab":
        atomic_write(Path(sys.argv[1]), bytes([letter]) * 1_000_000)
"""


@pytest.mark.parametrize("content", ["süß\n", b"\x00\xff"])
def test_a_write_replaces_the_file_and_leaves_nothing_else(tmp_path, content):
    path = tmp_path / "values.json"
    path.write_text("what was there before")
    atomic_write(path, content)
    assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
    assert list(tmp_path.iterdir()) == [path]


def test_a_killed_writer_leaves_a_complete_file(tmp_path):
    path = tmp_path / "values"
    for _ in range(3):
        path.unlink(missing_ok=True)
        writer = subprocess.Popen([sys.executable, "-c", WRITE_FOREVER, path], cwd=ROOT)
        while not path.exists():
            assert writer.poll() is None
            time.sleep(0.001)
        writer.kill()
        writer.wait()
        content = path.read_bytes()
        assert len(content) == 1_000_000
        assert len(set(content)) == 1


def age(path, *, seconds):
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_what_a_killed_writer_left_is_removed_and_what_is_being_written_stays(tmp_path):
    left = unfinished_path(tmp_path / "values")
    left.write_bytes(b"half")
    folder = unfinished_path(tmp_path / "export")
    folder.mkdir()
    (folder / "weights").write_bytes(b"half")
    other = unfinished_path(tmp_path / "other")
    other.mkdir()
    new = unfinished_path(tmp_path / "new")
    new.touch()
    with replacing(tmp_path / "values") as writing, in_use(other):
        for path in (left, folder, other, writing):
            age(path, seconds=60)
        remove_unfinished(tmp_path, of="export")
        assert set(tmp_path.iterdir()) == {left, other, new, writing}
        remove_unfinished(tmp_path)
        assert set(tmp_path.iterdir()) == {other, new, writing}
        writing.write_bytes(b"whole")
    assert (tmp_path / "values").read_bytes() == b"whole"
    remove_unfinished(tmp_path)
    assert set(tmp_path.iterdir()) == {tmp_path / "values", new}


def test_a_lock_has_one_holder_and_is_released_at_the_end(tmp_path):
    path = tmp_path / "job" / "work.lock"
    refused = pytest.raises(ValueError, match=r"job is in use .* holds work\.lock")
    with file_lock(path), refused, file_lock(path):
        pass
    with file_lock(path):
        pass


def test_an_output_folder_must_be_new_or_empty(tmp_path):
    require_new(tmp_path / "new")
    require_new(tmp_path)
    file = tmp_path / "file"
    file.write_text("")
    for path in (tmp_path, file):
        with pytest.raises(ValueError, match=f"^{path} already exists and is not empty"):
            require_new(path)


def test_on_a_full_disk_a_write_is_undone_and_names_the_file(tmp_path):
    path, lines = tmp_path / "values", tmp_path / "lines"
    path.write_text("before")
    append_line(lines, "before")
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, unlimited[1]))
    try:
        with pytest.raises(OSError, match=f"File too large: '{path}'"):
            atomic_write(path, bytes(2000))
        with pytest.raises(OSError, match=f"File too large: '{lines}'"):
            append_line(lines, 2000 * "a")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    append_line(lines, "after")
    assert (path.read_text(), lines.read_text()) == ("before", "before\nafter\n")
    assert sorted(os.listdir(tmp_path)) == ["lines", "values"]
