"""The lists of versions that launch/setup.sh installs have all that pyproject.toml asks for."""

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT

LISTS = sorted((ROOT / "launch").glob("constraints-py*.txt"))

# Extras of other machines and of services, which launch/setup.sh does not install.
NOT_INSTALLED = {"cuda", "tpu", "gs", "mlflow", "wandb"}


def requirements() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lists = [project["dependencies"]]
    extras = project["optional-dependencies"]
    lists += [extras[name] for name in extras.keys() - NOT_INSTALLED]
    found = [Requirement(line) for each in lists for line in each]
    here = [each for each in found if each.marker is None or each.marker.evaluate()]
    return [each for each in here if each.name != "avsync"]


def test_there_is_a_list_for_each_python_that_is_tested():
    names = [f"constraints-py{version}.txt" for version in (311, 312, 313)]
    assert [path.name for path in LISTS] == names


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.name)
def test_each_requirement_is_pinned_to_a_version_that_it_allows(path: Path):
    pins = [Requirement(line) for line in path.read_text().splitlines() if line[0] != "#"]
    versions = {canonicalize_name(pin.name): next(iter(pin.specifier)).version for pin in pins}
    for requirement in requirements():
        version = versions.get(canonicalize_name(requirement.name))
        assert version is not None, f"{path.name}: run launch/constraints.sh for {requirement}"
        assert requirement.specifier.contains(version), f"{path.name}: {requirement}, has {version}"
