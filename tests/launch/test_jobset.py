"""The manifest for Kubernetes agrees with itself, and with what avsync expects."""

import re

import pytest
import yaml

from avsync import runtime
from avsync.bin.base import PREEMPTED
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def jobset() -> dict:
    return yaml.safe_load((ROOT / "launch" / "gke_jobset.yaml").read_text())


def test_each_pod_knows_how_many_there_are_and_where_the_first_is(jobset):
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


def test_pods_that_were_told_to_end_are_started_again_and_failed_ones_are_not(jobset):
    policy = jobset["spec"]["failurePolicy"]
    (rule,) = policy["rules"]
    assert policy["maxRestarts"] == 0
    assert rule["action"] == "RestartJobSetAndIgnoreMaxRestarts"
    assert rule["onJobFailureReasons"] == ["PodFailurePolicy"]
    # JobSet refuses other names.
    assert re.fullmatch(r"[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?", rule["name"])
    (job,) = jobset["spec"]["replicatedJobs"]
    told, lost = job["template"]["spec"]["podFailurePolicy"]["rules"]
    assert told["onExitCodes"] == {"operator": "In", "values": [PREEMPTED]}
    assert lost["onPodConditions"] == [{"type": "DisruptionTarget", "status": "True"}]
    assert told["action"] == lost["action"] == "FailJob"


@pytest.mark.parametrize("script", ["slurm.sbatch", "tpu_pod.sh"])
def test_a_script_tries_again_on_the_status_of_a_training_that_was_told_to_end(script):
    assert re.search(rf"status [=!]= {PREEMPTED}\b", (ROOT / "launch" / script).read_text())
