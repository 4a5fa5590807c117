"""avsync-evaluate on fakes that it makes itself, and on distorted clips, as a user runs it."""

import json
from pathlib import Path

import pytest

from avsync import pretrained
from tests.conftest import Run

CHECKPOINT = f"--checkpoint={pretrained.GRID}"


def test_fakes_of_real_clips_are_scored_and_counted_beside_a_dataset_that_fails(
    tiny_data, run_binary, tmp_path
):
    done = run_binary(
        "evaluate",
        CHECKPOINT,
        *("--dataset=grid,synthetic_talkers/tiny", "--split=val", f"--data_dir={tiny_data}"),
        *("--fabricate=swap,shift_2", "--limit=3", f"--out={tmp_path}"),
    )
    assert done.returncode == 0, done.stderr
    (line,) = [x for x in done.stderr.splitlines() if x.startswith("avsync-evaluate: ")]
    assert "grid is not evaluated: " in line
    compared = json.loads((tmp_path / "metrics.json").read_text())
    assert (compared["datasets"], list(compared["failed"])) == (["synthetic_talkers/tiny"], ["grid"])
    assert "Not evaluated: grid" in done.stdout
    assert "synthetic_talkers_tiny/report.html" in (tmp_path / "report.html").read_text()
    out = tmp_path / "synthetic_talkers_tiny"
    metrics = json.loads((out / "metrics.json").read_text())
    made = metrics["fabricated"]
    assert (made["num_real"], made["kinds"]["shift_2"]["made"]) == (3, 3)
    kinds = metrics["views"]["trimmed"]["alignment"]["by_manipulation"]
    assert {kind: result["num_fake"] for kind, result in kinds.items()} == {
        kind: numbers["made"] for kind, numbers in made["kinds"].items() if numbers["made"]
    }
    assert made["summary"] in done.stdout
    assert "Fakes made of these clips" in (out / "report.html").read_text()
    # Four real clips are too few for an A/V offset of the corpus.
    assert metrics["corpus_offset"]["reason"].startswith("only ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--split=test", "--fabricate=all"], "fakes are made from real clips"),
        (["--split=val", "--fabricate=splise"], "did you mean 'splice'?"),
        (["--split=val", "--limit=3"], "--limit needs --fabricate or --distort"),
        (["--split=test", "--distort=standard", "--calibrate"], "leave out --also and --calibrate"),
        (["--split=test", "--distort=standrd"], "did you mean 'standard'?"),
        (["--dataset=a/b,a_b"], "names a dataset, or its folder, twice"),
    ],
)
def test_fakes_and_distortions_that_are_not_possible_are_wrong_usage(
    tiny_data: Path, run_binary: Run, tmp_path: Path, arguments: list[str], message: str
):
    dataset = ["--dataset=synthetic_talkers/tiny", f"--data_dir={tiny_data}"]
    done = run_binary("evaluate", CHECKPOINT, *dataset, *arguments, f"--out={tmp_path}")
    assert done.returncode == 2, done.stderr
    assert message in done.stderr


def test_a_grid_of_distortions_is_scored_and_gone_on_with(tiny_data, run_binary, tmp_path):
    arguments = (
        CHECKPOINT,
        *("--dataset=synthetic_talkers/tiny", f"--data_dir={tiny_data}", f"--out={tmp_path}"),
        "--distort=standard:test",
    )
    done = run_binary("evaluate", *arguments)
    assert done.returncode == 0, done.stderr
    path = tmp_path / "distortions.jsonl"
    cells = [json.loads(line) for line in path.read_text().splitlines()]
    assert [cell["distortion"] for cell in cells] == ["none", "contrast", *["white_noise"] * 2]
    assert all(cell["num_real"] and cell["num_fake"] for cell in cells)
    assert "worst:" in done.stdout
    before, page = path.read_text(), (tmp_path / "distortions.html").read_text()
    path.write_text("".join(f"{line}\n" for line in before.splitlines()[:3]))
    assert run_binary("evaluate", *arguments).returncode == 0
    assert (tmp_path / "distortions.html").read_text() == page
    again = [json.loads(line) for line in path.read_text().splitlines()]
    assert {**again[3], "seconds": 0} == {**cells[3], "seconds": 0}
