"""What each of several runs at a time has of the machine."""

import shutil
import subprocess
from collections.abc import Mapping

VISIBLE = "CUDA_VISIBLE_DEVICES"


def visible_gpus(environment: Mapping[str, str]) -> list[str]:
    """The GPUs that programs started here would see, as CUDA names them; none without NVIDIA's."""
    if VISIBLE in environment:
        return [name for name in environment[VISIBLE].split(",") if name]
    if not shutil.which("nvidia-smi"):
        return []
    done = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("GPU ")]
    return [str(index) for index in range(len(lines))]


def make_slots(num_jobs: int, *, gpus: list[str]) -> list[Mapping[str, str]]:
    """The environment of each of so many runs at a time: one GPU each, or all for a single one.

    ValueError if there are fewer GPUs than runs: JAX takes most of a GPU's memory at once.
    """
    if num_jobs == 1 or not gpus:
        return [{}] * num_jobs
    if num_jobs > len(gpus):
        raise ValueError(
            f"--jobs={num_jobs} runs at a time on {len(gpus)} GPUs; each run takes one to itself, "
            f"so give at most --jobs={len(gpus)}"
        )
    return [{VISIBLE: gpu} for gpu in gpus[:num_jobs]]
