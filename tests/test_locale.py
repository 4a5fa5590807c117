"""Files with names of all kinds in a locale without UTF-8: scored, prepared, printed as escapes."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import recipe
from tests.conftest import ROOT, environment

LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}

NAMES = (
    b"$\\frac$.mkv",
    "视".encode() * 72 + b".mkv",
    b"caf\xe9.mkv",
    b"a\x1b[31m\n.mkv",
    "\u202egpj [b].mkv".encode(),
)


@pytest.fixture(scope="module")
def folder(testdata: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, clip = tmp_path_factory.mktemp("names"), tmp_path_factory.mktemp("clip") / "short.mkv"
    whole = testdata / "grid_s1" / "video" / "bbaf2n.mkv"
    recipe.join(clip, video=whole, sound=whole)
    for name in NAMES:
        shutil.copy(clip, folder / os.fsdecode(name))
    return folder


@pytest.mark.grid
@pytest.mark.parametrize(
    "command",
    [
        ["score", "--out={out}", "{folder}"],
        ["prepare", "--dataset=folder", "--source={folder}", "--data_dir={out}"],
    ],
)
def test_no_name_ends_a_job(folder, tmp_path, command):
    name, *arguments = (part.format(folder=folder, out=tmp_path) for part in command)
    done = subprocess.run(
        [sys.executable, "-m", f"avsync.bin.{name}", *arguments],
        cwd=ROOT,
        env=environment(devices=1) | LOCALE,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    printed = done.stdout + done.stderr
    assert printed.isascii()
    assert b"\x1b" not in printed
    if name == "score":
        entries = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))
        paths = [Path(entry["path"]) for entry in entries]
        assert sorted(os.fsencode(path.name) for path in paths) == sorted(NAMES)
        assert len({entry["score"] for entry in entries}) == 1
        assert all((tmp_path / entry["picture"]).is_file() for entry in entries)
    else:
        (report,) = tmp_path.glob("folder/*/prepare_report.json")
        counts = json.loads(report.read_text(encoding="utf-8"))
        assert (counts["num_clips"], counts["num_rejected"]) == (len(NAMES), 0)
