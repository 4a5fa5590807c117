"""avsync-audit as a user runs it: results, and wrong arguments."""

import json
from pathlib import Path

import pytest

from tests.conftest import Run


def test_planted_silence_is_the_only_shortcut_found(tiny_data: Path, tmp_path, run_binary: Run):
    done = run_binary(
        "audit", "--dataset=synthetic_talkers/tiny", f"--data_dir={tiny_data}", f"--out={tmp_path}"
    )
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "audit.json").read_text())
    assert [shortcut["shortcut"] for shortcut in found if shortcut["is_found"]] == [
        "leading_silence"
    ]
    assert found[0]["shortcut"] == "leading_silence"
    assert found[0]["auc"] == 1
    # If no trimmed clip has silence left, both ends are exactly 0.5.
    assert found[0]["auc_trimmed_low"] <= 0.5 <= found[0]["auc_trimmed_high"]
    assert "1 shortcut separates fake from real clips" in done.stdout.replace("\n", " ")
    assert (tmp_path / "report.html").stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--dataset=synthetic_talkers/tiny"], 2, "--out"),
        (
            ["--dataset=synthetic_talkers/tiny", "--split=train", "--out=x"],
            1,
            "tiny/train is a real-only split",
        ),
    ],
)
def test_wrong_arguments_end_with_one_message(
    tiny_data, run_binary, tmp_path, arguments, status, message
):
    arguments = [argument.replace("=x", f"={tmp_path / 'x'}") for argument in arguments]
    done = run_binary("audit", f"--data_dir={tiny_data}", *arguments)
    assert done.returncode == status, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "x").exists()


def test_help_shows_an_example(run_binary):
    done = run_binary("audit", "--help")
    assert done.returncode == 0
    assert "avsync-audit --dataset" in done.stdout
