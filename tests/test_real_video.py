"""Real GRID clips through the binaries: prepare, train for a few updates, evaluate."""

import json
from pathlib import Path

import pytest

from tests.conftest import Run

NUM_CLIPS = 24


@pytest.fixture(scope="module")
def grid_data(testdata: Path, tmp_path_factory: pytest.TempPathFactory, run_binary: Run) -> Path:
    """A data_dir with the first clips of one GRID speaker."""
    data_dir = tmp_path_factory.mktemp("grid")
    done = run_binary(
        "prepare",
        "--dataset=grid",
        f"--source={testdata / 'grid_s1'}",
        f"--data_dir={data_dir}",
        f"--limit={NUM_CLIPS}",
        "--workers=2",
    )
    assert done.returncode == 0, done.stderr
    return data_dir


def test_every_prepared_file_becomes_a_clip_or_a_reject(grid_data: Path):
    (report_path,) = grid_data.rglob("prepare_report.json")
    report = json.loads(report_path.read_text())
    rejects = (report_path.parent / "rejects.jsonl").read_text().splitlines()
    assert report["num_clips"] + report["num_rejected"] == NUM_CLIPS
    assert report["num_rejected"] == len(rejects)
    assert report["num_clips"] >= NUM_CLIPS - 2  # one face, well lit, in every clip


def test_real_clips_train_a_model_that_scores_fakes(
    grid_data: Path, tmp_path: Path, run_binary: Run
):
    workdir = tmp_path / "run"
    done = run_binary(
        "train",
        "--config=configs/grid.py:test",
        f"--config.data.data_dir={grid_data}",
        f"--workdir={workdir}",
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    assert lines[-1]["split"] == "val"
    done = run_binary(
        "evaluate",
        f"--checkpoint={workdir}",
        "--dataset=grid",
        "--split=test_planted",
        f"--data_dir={grid_data}",
        f"--out={tmp_path / 'evaluation'}",
    )
    assert done.returncode == 0, done.stderr
    metrics = json.loads((tmp_path / "evaluation" / "metrics.json").read_text())
    original, trimmed = (metrics["views"][view] for view in ("original", "trimmed"))
    # The planted silence gives every fake away, and nothing once it is trimmed.
    assert original["leading_silence"]["auc"] == 1
    assert 0.3 < trimmed["leading_silence"]["auc"] < 0.7
    assert set(trimmed["alignment"]["by_category"]) == {"RV-FA", "FV-RA", "FV-FA"}
