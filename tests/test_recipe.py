"""The paper's recipe, command by command: from published files and videos to scores and a report.

The encoder is AV-HuBERT in the published layout with 2 layers of 128 channels and random weights.
"""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from tests import recipe_clips
from tests.conftest import Run
from tests.convert import heads

DATASET, FEATURES = "folder", "folder_avhubert"


class Recipe(NamedTuple):
    """What the commands wrote.

    videos: the folder of the clips.
    weights: the converted encoder.
    published, trained: heads of its features, one converted and one trained on them.
    """

    videos: Path
    data_dir: Path
    weights: Path
    published: Path
    trained: Path
    by_features: Path


@pytest.fixture(scope="module")
def recipe(testdata: Path, tmp_path_factory: pytest.TempPathFactory, run_binary: Run) -> Recipe:
    root = tmp_path_factory.mktemp("recipe")
    names = ("videos", "data", "weights", "published", "trained", "by_features")
    made = Recipe(*[root / name for name in names])

    def run(command: str, *arguments: str) -> None:
        done = run_binary(command, *arguments)
        assert done.returncode == 0, f"{command} {arguments}: {done.stderr}"

    made.videos.mkdir()
    manifest = recipe_clips.write(testdata / "grid_s1" / "video", made.videos)
    state = heads.random_state(features=128, projection=16, widths=(32, 16, 8))
    head = heads.write(root / "AVH-Align_AV1M.pt", state)
    encoder = testdata / "avhubert_tiny" / "ckpt.pt"
    place, options = f"--data_dir={made.data_dir}", f"--out_name={FEATURES}"
    extract = ["--encoder=avhubert", f"--weights={made.weights}", f"--dataset={DATASET}", place]
    extract += [options, "--dtype=float32"]

    run("convert", "avhubert", f"--source={encoder}", f"--out={made.weights}")
    run("convert", "avh_align", f"--source={head}", f"--out={made.published}")
    run("prepare", f"--dataset={DATASET}", f"--source={manifest}", place, "--workers=2")
    run("extract", *extract, "--trim=leading")
    run("extract", *extract, "--trim=none", "--split=test")
    run(
        "train", "--config=avh_align:test", f"--workdir={made.trained}",
        f"--config.data.dataset={FEATURES}", f"--config.data.data_dir={made.data_dir}",
        "--config.data.batch_size=2",
    )  # fmt: skip
    run(
        "evaluate", f"--checkpoint={made.trained}", f"--also=published={made.published}",
        f"--dataset={FEATURES}", place, f"--out={made.by_features}",
    )  # fmt: skip
    return made


def scores(folder: Path, *, name: str = "alignment") -> dict[tuple[str, str], float]:
    """The clip scores of an evaluation by view and clip."""
    lines = map(json.loads, (folder / "scores.jsonl").read_text().splitlines())
    return {(line["view"], line["clip_id"]): line["scores"][name] for line in lines}


def test_the_report_has_both_views_of_the_test_clips(recipe: Recipe):
    metrics = json.loads((recipe.by_features / "metrics.json").read_text())
    for view in ("original", "trimmed"):
        result = metrics["views"][view]["alignment"]
        assert (result["num_real"], result["num_fake"]) == (1, 1)
    assert (recipe.by_features / "report.html").is_file()
    assert np.isfinite(list(scores(recipe.by_features, name="published").values())).all()
