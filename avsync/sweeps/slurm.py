"""A sweep as a Slurm job array: one task per run, executed as the local runner would."""

import json
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from avsync.files import atomic_write
from avsync.sweeps.commands import Command

SCRIPT, JOB = "sweep.sbatch", "slurm_job.json"

# As in launch/slurm.sbatch: two minutes before its time limit a run gets SIGTERM, saves, exits with
# status 75 and is requeued.
TEMPLATE = """\
#!/usr/bin/env bash
# Written by avsync-sweep: each task of the array is the run of that index.
#SBATCH --job-name=avsync-sweep
#SBATCH --array={array}%{jobs}
#SBATCH --ntasks=1
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=TERM@120
#SBATCH --chdir={folder}
#SBATCH --output={logs}/%a.log
{options}set -uo pipefail

# Slurm's own requeue sends SIGTERM to this script too; wait until the run has saved.
trap ':' TERM

# srun does not take --cpus-per-task over from sbatch.
cores=${{SLURM_CPUS_PER_TASK:+--cpus-per-task="$SLURM_CPUS_PER_TASK"}}
srun $cores {command} --only="$SLURM_ARRAY_TASK_ID"
status=$?
if ((status == 75)); then
  scontrol requeue "$SLURM_JOB_ID"
fi
exit "$status"
"""


def launch(
    root: Path, indices: Sequence[int], *, command: Command, num_jobs: int, options: Sequence[str]
) -> None:
    """Write root/sweep.sbatch for the runs of these indices, submit it and print what is next.

    At most `num_jobs` tasks run at a time. Nothing is submitted while tasks of an earlier call are
    queued or sbatch is not installed. ValueError repeats the message of an sbatch that fails.
    """
    if job := queued_job(root):
        print(f"job {job} of this sweep is still queued; --collect shows the results so far")
        return
    script = write_script(root, indices, command=command, num_jobs=num_jobs, options=options)
    if not shutil.which("sbatch"):
        print(f"sbatch not found; on a machine that has it, run: sbatch {script}")
        return
    done = subprocess.run(["sbatch", "--parsable", str(script)], capture_output=True, text=True)
    if done.returncode:
        raise ValueError(f"sbatch {script} failed: {done.stderr.strip()}")
    job = done.stdout.strip().partition(";")[0]  # JOB;CLUSTER where there are several
    atomic_write(root / JOB, json.dumps({"job": job}) + "\n")
    print(f"submitted job {job} with {len(indices)} runs; run this again when they are done")


def write_script(
    root: Path, indices: Sequence[int], *, command: Command, num_jobs: int, options: Sequence[str]
) -> Path:
    """Write the array script: each task runs `command` for one of `indices`, in this folder."""
    logs = (root / "slurm").absolute()
    logs.mkdir(parents=True, exist_ok=True)
    text = TEMPLATE.format(
        array=_ranges(indices),
        jobs=num_jobs,
        folder=Path.cwd(),
        logs=logs,
        options="".join(f"#SBATCH {option}\n" for option in options),
        command=shlex.join(command.argv),
    )
    atomic_write(root / SCRIPT, text)
    return root / SCRIPT


def require_options(options: Iterable[str]) -> None:
    """Raise ValueError unless each is an option of sbatch, such as "--gres=gpu:1"."""
    for option in options:
        if not option.startswith("-") or "\n" in option:
            raise ValueError(
                f"--sbatch takes an option of sbatch, as in --sbatch=--gres=gpu:1; got {option!r}"
            )


def queued_job(root: Path) -> str | None:
    """Return the job submitted for the sweep in `root` if any of its tasks waits or runs."""
    path = root / JOB
    if not path.is_file() or not shutil.which("squeue"):
        return None
    job = json.loads(path.read_text(encoding="utf-8"))["job"]
    # Minutes after a job has ended, squeue calls its id invalid.
    done = subprocess.run(["squeue", "--noheader", f"--jobs={job}"], capture_output=True, text=True)
    return job if done.returncode == 0 and done.stdout.strip() else None


def _ranges(indices: Sequence[int]) -> str:
    """Return "0-3,7" for 0, 1, 2, 3, 7."""
    ranges: list[list[int]] = []
    for index in sorted(indices):
        if ranges and index == ranges[-1][1] + 1:
            ranges[-1][1] = index
        else:
            ranges.append([index, index])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in ranges)
