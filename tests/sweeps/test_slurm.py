import subprocess
from pathlib import Path

import pytest

from avsync.sweeps import slurm
from avsync.sweeps.commands import Command

COMMAND = Command("sweep", ("--config=configs/grid.py", "--workdir=runs/a b"))


def write(root: Path, indices: list[int], *options: str) -> Path:
    return slurm.write_script(root, indices, command=COMMAND, num_jobs=4, options=options)


def test_the_script_is_an_array_of_the_pending_runs(tmp_path: Path):
    lines = write(tmp_path, [0, 1, 2, 5, 7, 8], "--gres=gpu:1").read_text().splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    assert "#SBATCH --array=0-2,5,7-8%4" in lines
    assert "#SBATCH --gres=gpu:1" in lines
    # Slurm ignores options below the first command.
    first_command = next(i for i, line in enumerate(lines) if line and line[0] != "#")
    assert not any(line.startswith("#SBATCH") for line in lines[first_command:])


def test_a_task_executes_the_run_of_its_index_and_is_requeued_when_preempted(tmp_path: Path):
    script = write(tmp_path, [3])
    assert "'--workdir=runs/a b' --only=" in script.read_text()
    # Stand-ins for srun and scontrol, which print how they were called.
    srun = 'srun() { echo "srun $*"; return 75; }; scontrol() { echo "scontrol $*"; }; '
    done = subprocess.run(
        ["bash", "-c", f"{srun} source {script}"],
        env={"PATH": "/usr/bin:/bin", "SLURM_ARRAY_TASK_ID": "3", "SLURM_JOB_ID": "17"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 75, done.stderr
    ran, requeued = done.stdout.splitlines()
    assert ran.endswith("-m avsync.bin.sweep --config=configs/grid.py --workdir=runs/a b --only=3")
    assert requeued == "scontrol requeue 17"


def test_a_run_has_the_cores_that_were_asked_for(tmp_path: Path):
    script = write(tmp_path, [0], "--cpus-per-task=8")
    job = {"SLURM_ARRAY_TASK_ID": "0", "SLURM_JOB_ID": "17", "SLURM_CPUS_PER_TASK": "8"}
    done = subprocess.run(
        ["bash", "-c", f'srun() {{ echo "srun $*"; }}; source {script}'],
        env={"PATH": "/usr/bin:/bin", **job},
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith("srun --cpus-per-task=8 "), done.stderr


def test_an_invalid_sbatch_option_is_refused():
    with pytest.raises(ValueError, match="--sbatch=--gres=gpu:1; got 'gres=gpu:1'"):
        slurm.require_options(["gres=gpu:1"])


def test_a_sweep_that_was_never_submitted_is_not_queued(tmp_path: Path):
    assert slurm.queued_job(tmp_path) is None
