"""Stages run once; one that fails is named, and is run again."""

from pathlib import Path

import pytest

from avsync.adaptation.stages import Stages
from avsync.sweeps.commands import Command


def test_a_stage_that_is_done_is_not_run_again(tmp_path: Path, capsys):
    done = []
    for _ in range(2):
        stages = Stages(tmp_path)
        stages.do("copy", lambda: done.append(1))
    assert done == [1]
    assert "== copy: done before" in capsys.readouterr().err
    assert list(Stages(tmp_path).seconds) == ["copy"]


def test_a_stage_that_fails_is_run_again(tmp_path: Path):
    def fail() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        Stages(tmp_path).do("copy", fail)
    assert not Stages(tmp_path).seconds


def test_a_command_prints_into_its_log_and_its_failure_is_named(tmp_path: Path):
    stages = Stages(tmp_path)
    stages.run("look", Command("train", ("--help",)))
    assert "avsync-train --config=" in (tmp_path / "logs" / "look.log").read_text()
    with pytest.raises(ValueError, match=r"train ended with status 2, .*Run the same command"):
        stages.run("train", Command("train", ("--no_such_flag",)))
    assert list(stages.seconds) == ["look"]
