"""Which of how many processes this is, and how a job is told to end."""

import signal

import pytest

from avsync import runtime
from avsync.preemption import Preemption
from avsync.types import Host


@pytest.mark.parametrize("environment", [{}, {"AVSYNC_PROCESSES": "1"}])
def test_without_others_a_process_is_the_first_and_has_all_there_is(environment):
    runtime.join_job(environment)
    assert runtime.this_host() == Host(0, 1)
    assert runtime.is_first()
    assert runtime.gathered({"loss": 0.1}) == [{"loss": 0.1}]


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
