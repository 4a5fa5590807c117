"""The media files of folders, and what is said about the rest."""

import os

import pytest

from avsync.media.folders import list_media, named_files
from tests.datasets.conftest import touch


def test_media_files_at_any_depth_are_found_and_the_others_are_counted(tmp_path):
    touch(tmp_path, "b/c.TS", "a.mp4", "x.webm", "b.wmv", "README.txt", "notes", "._a.mp4")
    touch(tmp_path, ".trash/d.mp4", "__MACOSX/a.mp4")
    (tmp_path / "linked").symlink_to(tmp_path / "b")
    (tmp_path / "broken.mp4").symlink_to(tmp_path / "nowhere")
    (tmp_path / "self.mp4").symlink_to(tmp_path / "self.mp4")
    os.mkfifo(tmp_path / "pipe.mp4")
    found = list_media(tmp_path)
    names = [path.relative_to(tmp_path).as_posix() for path in found.files]
    assert names == ["a.mp4", "b.wmv", "x.webm", "b/c.TS"]
    assert found.skipped == {
        "not a file": 3,
        "no media suffix": 2,
        "hidden folders": 2,
        "hidden": 1,
        "links to folders": 1,
    }
    assert found.note(tmp_path) == (
        f"{tmp_path}: 9 entries skipped: not a file (3), hidden folders (2), no media suffix (2), "
        "hidden (1), links to folders (1)"
    )


def test_a_named_file_is_taken_whatever_it_is_called(tmp_path):
    touch(tmp_path, "a.txt", "b.mp4", "inner/c.mp4")
    files, notes = named_files([str(tmp_path / "a.txt"), str(tmp_path / "inner"), "gone.mp4"])
    assert [path.name for path in files] == ["a.txt", "c.mp4", "gone.mp4"]
    assert notes == []


def test_a_file_whose_name_begins_with_a_tilde_is_not_a_home_folder(tmp_path, monkeypatch):
    touch(tmp_path, "~nobody-here.mp4")
    monkeypatch.chdir(tmp_path)
    assert named_files(["~nobody-here.mp4"])[0][0].exists()
    with pytest.raises(ValueError, match=r"not found: ~no-such-user\.mp4"):
        named_files(["~no-such-user.mp4"])


def test_a_folder_without_media_is_an_error_that_says_what_is_there(tmp_path):
    touch(tmp_path, "README.txt", ".a.mp4")
    with pytest.raises(ValueError, match=r"no media files .*2 entries skipped: .*suffix \(1\)"):
        named_files([str(tmp_path)])
