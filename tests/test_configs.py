"""Every config resolves to its golden file, and builds a model.

After an intended change: AVSYNC_UPDATE_GOLDEN=1 python -m pytest tests/test_configs.py tests/config
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jax
import pytest

from avsync import build, pretrained, trained
from avsync.build_training import make_optimiser, make_plateau
from avsync.config import Config, files, require_known
from avsync.config.changes import flat
from avsync.partition import make_partition
from avsync.pp.augmentation import RANGES, STRANGERS, Augmentation
from avsync.types import Extraction
from tests.conftest import ROOT

VARIANTS = [
    ("adapt", ""),
    ("adapt", "test"),
    ("quickstart", ""),
    ("quickstart", "test"),
    ("quickstart", "supervised"),
    ("quickstart", "supervised_test"),
    ("grid", ""),
    ("grid", "test"),
    ("grid", "supervised"),
    ("grid", "strangers"),
    ("grid", "strangers_test"),
    ("open_talkers", ""),
    ("open_talkers", "test"),
    ("avh_align", ""),
    ("avh_align", "test"),
    ("avh_align", "official"),
    ("avh_align", "official_test"),
    ("avh_align", "clips"),
    ("avh_align", "clips_test"),
    ("avh_align", "finetune"),
    ("avh_align", "finetune_test"),
]

# Scores a fixed random clip with the shipped scorer, and prints where avsync is, the scores and all
# shapes.
SCORE = """
import json, jax, numpy as np, os, avsync
from avsync import build, checkpoint, pretrained
random = np.random.default_rng(0)
visual = random.integers(0, 256, (1, 30, 88, 88, 1), np.uint8)
audio = random.integers(-9999, 9999, (1, 30 * 640)).astype(np.int16)
valid = np.ones((1, 30), bool)
workdir, step = checkpoint.find(pretrained.GRID)
scorer = build.load_scorer(workdir, step, extraction=None)
logits = jax.jit(scorer.apply)(scorer.params, visual, audio, valid)
shapes = jax.tree.map(lambda x: list(x.shape), scorer.params)
print(os.path.dirname(os.path.dirname(avsync.__file__)))
print(json.dumps({"logits": np.asarray(logits).tolist(), "shapes": shapes}))
"""


def load(name: str, arg: str) -> Config:
    """The config NAME:ARG of configs/, unlocked."""
    return files.run(files.CONFIG, f"{name}:{arg}")


@pytest.mark.parametrize(("name", "arg"), VARIANTS)
def test_a_config_resolves_to_its_golden_file(name, arg):
    golden = ROOT / "configs" / "golden" / f"{name}{'_' + arg if arg else ''}.json"
    resolved = json.dumps(load(name, arg).to_dict(), indent=2, sort_keys=True) + "\n"
    if os.environ.get("AVSYNC_UPDATE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(resolved)
    assert resolved == golden.read_text()


@pytest.mark.parametrize(("name", "arg"), VARIANTS)
def test_a_config_builds_a_model_an_optimiser_and_a_scorer(name, arg):
    config = load(name, arg)
    reads_features = config.model.visual.name == "precomputed"
    extraction = Extraction("leading", "", {"visual": 6, "audio": 6}) if reads_features else None
    model, inputs = build.make_model(config), build.inputs_like(extraction)
    params = jax.eval_shape(lambda: build.init_params(model, inputs, seed=0))
    build.make_scorer(config, params, extraction=extraction)
    make_partition(config.train.freeze, params)
    jax.eval_shape(make_optimiser(config, num_steps=1000).init, params)
    make_plateau(config)


def test_every_config_and_every_variant_is_tested():
    assert set(files.names(files.CONFIG)) == {name for name, _ in VARIANTS}
    lines = files.summary(files.CONFIG).splitlines()
    for name in files.names(files.CONFIG):
        (line,) = (line for line in lines if line.startswith(name))
        (variants,) = re.findall(r"^\w+\[:([\w|]+)\]: \w", line)
        assert {*variants.split("|"), ""} == {arg for other, arg in VARIANTS if other == name}


def test_configs_import_nothing_of_avsync_but_the_config():
    for path in (ROOT / "configs").glob("*.py"):
        imported = re.findall(r"^(?:from|import) (avsync\S*)", path.read_text(), re.MULTILINE)
        assert imported == ["avsync.config"]


def test_the_augmentation_of_configs_is_that_of_the_pipeline():
    assert load("grid", "").data.augmentation.to_dict() == Augmentation()._asdict()
    assert load("grid", "strangers").data.augmentation.to_dict() == STRANGERS._asdict()
    assert RANGES.keys() == Augmentation()._asdict().keys()


@pytest.mark.parametrize(("name", "value"), [("stretch", 0.5), ("shift_pixels", 5), ("noise", -1)])
def test_a_strength_beyond_its_range_is_refused(name, value):
    config = load("grid", "")
    config.data.augmentation[name] = type(config.data.augmentation[name])(value)
    with pytest.raises(ValueError, match=rf"config.data.augmentation.{name} is .*; expected [-\d]"):
        require_known(config)


def test_the_shipped_scorer_records_every_field_of_its_config():
    values = json.loads((pretrained.GRID / "config.json").read_text())
    assert dict(flat(values)).keys() == dict(flat(load("grid", ""))).keys()
    require_known(trained.read_config(pretrained.GRID))


def test_another_default_changes_neither_parameters_nor_scores_of_a_checkpoint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    shutil.copytree(
        ROOT / "avsync", tmp_path / "avsync", ignore=shutil.ignore_patterns("__pycache__")
    )
    encoder = tmp_path / "avsync" / "models" / "encoders" / "lip_patch.py"
    text = encoder.read_text()
    assert text.count("temporal_blocks: int = 2") == 1
    encoder.write_text(text.replace("temporal_blocks: int = 2", "temporal_blocks: int = 1"))
    done = subprocess.run(
        [sys.executable, "-c", SCORE],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{tmp_path}\n")
    exec(SCORE, {})
    ours = capsys.readouterr().out
    assert done.stdout.partition("\n")[2] == ours.partition("\n")[2]
