"""The Kubernetes manifest is consistent in itself and with what avsync expects."""

import re

import pytest
import yaml

from avsync import runtime
from avsync.bin.base import PREEMPTED
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def jobset() -> dict:
    return yaml.safe_load((ROOT / "launch" / "gke_jobset.yaml").read_text())


def test_each_pod_gets_the_number_of_pods_and_the_address_of_the_first(jobset):
    (job,) = jobset["spec"]["replicatedJobs"]
    spec = job["template"]["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    environment = {entry["name"]: entry for entry in container["env"]}
    assert environment.keys() == {runtime.PROCESSES, runtime.PROCESS_INDEX, runtime.COORDINATOR}
    num_pods = int(environment[runtime.PROCESSES]["value"])
    assert spec["completions"] == spec["parallelism"] == num_pods
    name = jobset["metadata"]["name"]
    (port,) = container["ports"]
    first = f"{name}-{job['name']}-0-0.{name}:{port['containerPort']}"
    assert environment[runtime.COORDINATOR]["value"] == first


def test_preempted_pods_are_restarted_and_failed_ones_are_not(jobset):
    policy = jobset["spec"]["failurePolicy"]
    (rule,) = policy["rules"]
    assert policy["maxRestarts"] == 0
    assert rule["action"] == "RestartJobSetAndIgnoreMaxRestarts"
    assert rule["onJobFailureReasons"] == ["PodFailurePolicy"]
    # JobSet accepts only such names.
    assert re.fullmatch(r"[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?", rule["name"])
    (job,) = jobset["spec"]["replicatedJobs"]
    preempted, lost = job["template"]["spec"]["podFailurePolicy"]["rules"]
    assert preempted["onExitCodes"] == {"operator": "In", "values": [PREEMPTED]}
    assert lost["onPodConditions"] == [{"type": "DisruptionTarget", "status": "True"}]
    assert preempted["action"] == lost["action"] == "FailJob"


@pytest.mark.parametrize("script", ["slurm.sbatch", "tpu_pod.sh"])
def test_a_script_restarts_a_training_that_exits_with_the_preemption_status(script):
    assert re.search(rf"status [=!]= {PREEMPTED}\b", (ROOT / "launch" / script).read_text())
