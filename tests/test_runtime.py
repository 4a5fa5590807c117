"""Which of how many processes this is, and how a job is told to end."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from avsync import runtime
from avsync.train.preemption import Preemption
from avsync.types import Host
from tests.conftest import ROOT


@pytest.mark.parametrize("environment", [{}, {"AVSYNC_PROCESSES": "1"}])
def test_without_others_a_process_is_the_first_and_has_all_there_is(environment):
    runtime.join_job(environment)
    assert runtime.this_host() == Host(0, 1)
    assert runtime.is_first()
    assert runtime.allgather_json({"loss": 0.1}) == [{"loss": 0.1}]


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"AVSYNC_PROCESSES": "2"}, "AVSYNC_PROCESS_INDEX='' do not say which of how many"),
        ({"AVSYNC_PROCESSES": "2", "AVSYNC_PROCESS_INDEX": "2"}, "a number and one below it"),
        ({"AVSYNC_PROCESSES": "all", "AVSYNC_PROCESS_INDEX": "0"}, "or AVSYNC_PROCESSES=auto"),
        (
            {"AVSYNC_PROCESSES": "2", "AVSYNC_PROCESS_INDEX": "0"},
            "needs JAX_COORDINATOR_ADDRESS=HOST:PORT",
        ),
    ],
)
def test_a_launcher_that_does_not_say_enough_is_told_so(environment, message):
    with pytest.raises(ValueError, match=message):
        runtime.join_job(environment)


def test_a_job_is_told_to_end_by_sigterm_while_it_listens_and_only_then():
    before = signal.getsignal(signal.SIGTERM)
    with Preemption() as preemption:
        assert not preemption.is_due(1)
        signal.raise_signal(signal.SIGTERM)
        assert preemption.is_due(2)
    assert signal.getsignal(signal.SIGTERM) == before


def test_compiled_programs_are_kept_in_the_users_cache():
    found = runtime.default_compiled({"XDG_CACHE_HOME": "/elsewhere"})
    assert found == Path("/elsewhere/avsync/compiled")
    assert runtime.default_compiled({}) == Path.home() / ".cache" / "avsync" / "compiled"


def test_the_flags_that_are_recommended_are_known_to_the_compiler():
    # An unknown one ends the process at once: they come and go with the versions of jaxlib.
    (flags,) = re.findall(r'export XLA_FLAGS="(.*)"', (ROOT / "launch" / "README.md").read_text())
    done = subprocess.run(
        [sys.executable, "-c", "import jax; print(jax.numpy.zeros(1).shape)"],
        env={**os.environ, "XLA_FLAGS": flags},
        capture_output=True,
        text=True,
    )
    assert flags.startswith("--xla_gpu_")
    assert done.stdout == "(1,)\n", done.stderr
