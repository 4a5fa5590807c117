"""Every config resolves to what its golden file says, and builds a model.

After a change that is meant: AVSYNC_UPDATE_GOLDEN=1 python -m pytest tests/test_configs.py
"""

import importlib.util
import json
import os
from pathlib import Path

import pytest

from avsync import build
from avsync.config import default
from avsync.pp.augment import Augmentation
from tests.conftest import ROOT

VARIANTS = [("quickstart", ""), ("quickstart", "test"), ("grid", ""), ("grid", "test")]


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
    build.make_scorer(config)
    build.make_optimiser(config)


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
