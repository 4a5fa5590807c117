"""Every config resolves to what its golden file says, and builds a model.

After a change that is meant: AVSYNC_UPDATE_GOLDEN=1 python -m pytest tests/test_configs.py
"""

import importlib.util
import json
import os
from pathlib import Path

import jax
import pytest

from avsync import build
from avsync.build_training import make_optimiser, make_plateau
from avsync.config import default
from avsync.pp.augment import Augmentation
from avsync.types import Extraction
from tests.conftest import ROOT

VARIANTS = [
    ("quickstart", ""),
    ("quickstart", "test"),
    ("quickstart", "supervised"),
    ("quickstart", "supervised_test"),
    ("grid", ""),
    ("grid", "test"),
    ("grid", "supervised"),
    ("avh_align", ""),
    ("avh_align", "test"),
    ("avh_align", "official"),
    ("avh_align", "official_test"),
]


def load(name: str, arg: str):
    path = ROOT / "configs" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.get_config(arg)


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
    extraction = (
        Extraction("leading", "", {"visual": 6, "audio": 6}) if name == "avh_align" else None
    )
    model, inputs = build.make_model(config), build.inputs_like(extraction)
    params = jax.eval_shape(lambda: build.init_params(model, inputs, seed=0))
    build.make_scorer(config, params, extraction=extraction)
    jax.eval_shape(make_optimiser(config, num_steps=1000).init, params)
    make_plateau(config)


def test_every_config_is_tested():
    found = {path.stem for path in (ROOT / "configs").glob("*.py")}
    assert found == {name for name, _ in VARIANTS}


def test_an_unknown_variant_is_an_error():
    with pytest.raises(ValueError, match="no variant 'tset'"):
        load("quickstart", "tset")


def test_the_augmentation_of_configs_is_that_of_the_pipeline():
    assert default().data.augmentation.to_dict() == Augmentation()._asdict()


def test_a_config_survives_its_file(tmp_path: Path):
    config = load("quickstart", "test")
    restored = build.from_json(json.loads(config.to_json()))
    assert build.make_model(restored) == build.make_model(config)
