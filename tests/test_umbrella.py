"""The umbrella command: one name for all commands."""

import os
import signal
import subprocess
import sys

import pytest

import avsync
from avsync import lookup
from avsync.bin import base
from tests.conftest import ROOT


def umbrella(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "avsync", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_help_says_in_one_sentence_what_each_command_does():
    done = umbrella("--help")
    assert done.returncode == 0
    lines = [line.split(maxsplit=1) for line in done.stdout.splitlines() if line.startswith("  ")]
    summaries = {line[0]: line[1] for line in lines}
    assert summaries.keys() >= set(lookup.names("bin"))
    # A first docstring line that goes on in the next one would be cut off here.
    assert [name for name, text in summaries.items() if text[-1] not in ".?"] == ["avsync"]


@pytest.mark.parametrize("module", ["avsync", "avsync.bin.prepare"])
def test_help_whose_reader_closes_the_pipe_ends_without_a_word(module):
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", module, "--help"]
    done = subprocess.run(command, cwd=ROOT, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert done.returncode == -signal.SIGPIPE
    assert done.stderr == b""


def test_help_answers_to_the_flags_that_the_commands_take():
    texts = {flag: umbrella(flag).stdout for flag in base.HELP}
    assert len(set(texts.values())) == 1
    assert "avsync COMMAND" in texts["-?"]


def test_version_is_that_of_the_package():
    assert umbrella("--version").stdout == f"avsync {avsync.__version__}\n"


@pytest.mark.parametrize("command", ["score", "train"])
def test_a_command_runs_as_its_own_script_does(command, run_binary):
    done, own = umbrella(command, "--help"), run_binary(command, "--help")
    assert (done.returncode, done.stdout) == (0, own.stdout)


def test_messages_and_statuses_are_those_of_the_command():
    done = umbrella("train", "--no_such_flag")
    assert done.returncode == 2
    assert done.stderr.startswith("avsync-train: ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["scroe"], "unknown command: 'scroe'; did you mean 'score'?"),
        (["--no_such_flag"], "unknown command: '--no_such_flag'"),
        ([], "avsync COMMAND"),
    ],
)
def test_wrong_usage_ends_with_2_and_a_hint(arguments, message):
    done = umbrella(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_help_imports_no_command():
    program = "import sys; from avsync import __main__ as m; m.usage(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"absl", "jax", "numpy", "tensorflow", "avsync.bin.base"}
