"""avsync-evaluate on fakes that it makes itself, and on distorted clips, as a user runs it."""

import json
import shutil
from pathlib import Path

import pytest

from avsync import pretrained
from tests.conftest import Run

CHECKPOINT = f"--checkpoint={pretrained.GRID}"
DATASET = "synthetic_talkers/tiny"


def test_fakes_of_real_clips_of_two_datasets_are_scored_and_compared(
    tiny_data, run_binary, tmp_path
):
    data_dir, names = tmp_path / "data", ["synthetic_talkers/tiny", "others/tiny"]
    for name in names:
        shutil.copytree(tiny_data / DATASET, data_dir / name)
    done = run_binary(
        "evaluate",
        CHECKPOINT,
        *(f"--dataset={','.join(names)}", "--split=val", f"--data_dir={data_dir}"),
        *("--fabricate=swap,shift_2", "--limit=3", f"--out={tmp_path}"),
    )
    assert done.returncode == 0, done.stderr
    compared = json.loads((tmp_path / "metrics.json").read_text())
    assert compared["datasets"] == names
    assert compared["views"]["trimmed"]["alignment"]["num_datasets"] == 2
    assert "mean over datasets" in done.stdout
    out = tmp_path / DATASET / "val"
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
        (["--dataset=a,a"], "--dataset=a,a names a dataset twice"),
        (["--dataset=a,b", "--calibrate"], "--distort and --calibrate need a single dataset"),
        (["--dataset=synthetic_talkers/tiny,lost"], "lost"),
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
