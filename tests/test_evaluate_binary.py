"""avsync-evaluate on fakes that it makes itself, and on distorted clips, as a user runs it."""

import json
from pathlib import Path

import pytest

from avsync import pretrained
from tests.conftest import Run

CHECKPOINT = f"--checkpoint={pretrained.GRID}"


def test_fakes_of_real_clips_are_scored_and_counted_in_the_report(tiny_data, run_binary, tmp_path):
    done = run_binary(
        "evaluate",
        CHECKPOINT,
        *("--dataset=synthetic_talkers/tiny", "--split=val", f"--data_dir={tiny_data}"),
        *("--fabricate=swap,shift_2", "--limit=3", f"--out={tmp_path}"),
    )
    assert done.returncode == 0, done.stderr
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    made = metrics["fabricated"]
    assert (made["num_real"], made["kinds"]["shift_2"]["made"]) == (3, 3)
    kinds = metrics["views"]["trimmed"]["alignment"]["by_manipulation"]
    assert {kind: result["num_fake"] for kind, result in kinds.items()} == {
        kind: numbers["made"] for kind, numbers in made["kinds"].items() if numbers["made"]
    }
    assert made["summary"] in done.stdout.replace("\n", " ")
    assert "Fakes made of these clips" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--split=test", "--fabricate=all"], "fakes are made from real clips"),
        (["--split=val", "--fabricate=splise"], "did you mean 'splice'?"),
        (["--split=val", "--limit=3"], "--limit needs --fabricate"),
    ],
)
def test_fakes_that_cannot_be_made_are_wrong_usage(
    tiny_data: Path, run_binary: Run, tmp_path: Path, arguments: list[str], message: str
):
    dataset = ["--dataset=synthetic_talkers/tiny", f"--data_dir={tiny_data}"]
    done = run_binary("evaluate", CHECKPOINT, *dataset, *arguments, f"--out={tmp_path}")
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
