"""The results on real video that the README states: 900 GRID clips, three seeds, half an hour.

bash launch/test.sh -m slow tests/test_grid_results.py -s
"""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Run

SEEDS = (0, 1, 2)

# Least mean AUC over the seeds, trimmed, on 99 held-out clips against as many fakes of each kind.
LEAST_AUC = {
    "swap": 0.985,
    # One of the held-out reals is out of sync in the corpus, by -5 frames, so that its shift brings
    # it in sync: a little above 0.99 is the most that it leaves.
    "shift_5": 0.985,
    "splice_0.8s": 0.97,
    "splice_0.4s": 0.92,
    "freeze_0.8s": 0.97,
}


@pytest.fixture(scope="module")
def data_dir(testdata: Path, tmp_path_factory: pytest.TempPathFactory, run_binary: Run) -> Path:
    """All clips of one talker, and the clips of other talkers that nothing is trained on."""
    data_dir = tmp_path_factory.mktemp("grid")
    for dataset, folder in (("grid", "grid_s1"), ("grid/heldout", "grid_speakers")):
        done = run_binary(
            "prepare",
            f"--dataset={dataset}",
            f"--source={testdata / folder}",
            f"--data_dir={data_dir}",
            timeout=1800,
        )
        assert done.returncode == 0, done.stderr
    return data_dir


def evaluate(run_binary: Run, workdir: Path, data_dir: Path, dataset: str, split: str) -> dict:
    out = workdir / f"evaluation_{split}"
    done = run_binary(
        "evaluate",
        f"--checkpoint={workdir}",
        f"--dataset={dataset}",
        f"--split={split}",
        f"--data_dir={data_dir}",
        f"--out={out}",
    )
    assert done.returncode == 0, done.stderr
    print(done.stdout)
    return json.loads((out / "metrics.json").read_text())


@pytest.mark.slow
def test_a_model_of_reals_finds_forged_real_video_with_and_without_silence(
    data_dir: Path, tmp_path: Path, run_binary: Run
):
    held_out, others = [], []
    for seed in SEEDS:
        workdir = tmp_path / str(seed)
        done = run_binary(
            "train",
            "--config=configs/grid.py",
            f"--config.seed={seed}",
            f"--config.data.data_dir={data_dir}",
            f"--workdir={workdir}",
            timeout=3600,
        )
        assert done.returncode == 0, done.stderr
        held_out.append(evaluate(run_binary, workdir, data_dir, "grid", "test_planted"))
        others.append(evaluate(run_binary, workdir, data_dir, "grid/heldout", "test"))

    def mean_auc(results: list[dict], view: str, score: str, kind: str | None = None) -> float:
        found = [result["views"][view][score] for result in results]
        return float(np.mean([(f["by_manipulation"][kind] if kind else f)["auc"] for f in found]))

    for kind, least in LEAST_AUC.items():
        assert mean_auc(held_out, "trimmed", "alignment", kind) >= least, kind
    assert mean_auc(held_out, "original", "leading_silence") >= 0.99
    assert abs(mean_auc(held_out, "trimmed", "leading_silence") - 0.5) <= 0.06
    for result in held_out:
        views = result["views"]
        change = views["original"]["alignment"]["auc"] - views["trimmed"]["alignment"]["auc"]
        assert abs(change) <= 0.03
    within_one = [result["offsets"]["trimmed"]["within_1_frame"] for result in held_out]
    assert np.mean(within_one) >= 0.97
    assert mean_auc(others, "trimmed", "alignment", "swap") >= 0.93
    assert np.mean([result["offsets"]["trimmed"]["within_1_frame"] for result in others]) >= 9 / 11
