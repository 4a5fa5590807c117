"""A sweep as an array of Slurm jobs, one task a run; each task does what the local runner does."""

import json
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from avsync.files import atomic_write
from avsync.sweeps.commands import Command

SCRIPT, JOB = "sweep.sbatch", "slurm_job.json"

# As launch/slurm.sbatch has it: told two minutes before the end of its time, a run saves, ends with
# 75, and is queued again.
TEMPLATE = """\
#!/usr/bin/env bash
# Written by avsync-sweep: each task of the array is one run of the sweep, by its number.
#SBATCH --job-name=avsync-sweep
#SBATCH --array={array}%{jobs}
#SBATCH --ntasks=1
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=TERM@120
#SBATCH --chdir={folder}
#SBATCH --output={logs}/%a.log
{options}set -uo pipefail

# Slurm's own requeue sends SIGTERM here too; the run is then at saving, and is waited for.
trap ':' TERM

srun {command} --only="$SLURM_ARRAY_TASK_ID"
status=$?
if ((status == 75)); then
  scontrol requeue "$SLURM_JOB_ID"
fi
exit "$status"
"""


def launch(
    root: Path, indices: Sequence[int], *, command: Command, num_jobs: int, options: Sequence[str]
) -> None:
    """Writes root/sweep.sbatch for the runs of these numbers, submits it, and says what is next.

    At most `num_jobs` run at a time. Submits nothing while tasks of an earlier call are in the
    queue, nor where there is no sbatch. ValueError says what sbatch said if it refused.
    """
    if job := queued_job(root):
        print(f"job {job} of this sweep is in the queue still; --collect shows what there is")
        return
    script = write_script(root, indices, command=command, num_jobs=num_jobs, options=options)
    if not shutil.which("sbatch"):
        print(f"there is no sbatch here; where there is: sbatch {script}")
        return
    done = subprocess.run(["sbatch", "--parsable", str(script)], capture_output=True, text=True)
    if done.returncode:
        raise ValueError(f"sbatch refused {script}: {done.stderr.strip()}")
    job = done.stdout.strip().partition(";")[0]  # of several clusters: JOB;CLUSTER
    atomic_write(root / JOB, json.dumps({"job": job}) + "\n")
    print(f"submitted: job {job}, {len(indices)} runs; run this again when they are done")


def write_script(
    root: Path, indices: Sequence[int], *, command: Command, num_jobs: int, options: Sequence[str]
) -> Path:
    """The array by which each task runs `command` for one of `indices`, from this folder."""
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
    """ValueError if one is not an option of sbatch, such as "--gres=gpu:1"."""
    for option in options:
        if not option.startswith("-") or "\n" in option:
            raise ValueError(
                f"an option of sbatch is such as --gres=gpu:1, got {option!r}; write it as "
                "--sbatch=--gres=gpu:1"
            )


def queued_job(root: Path) -> str | None:
    """The job that was submitted for the sweep in `root`, if tasks of it wait or run still."""
    path = root / JOB
    if not path.is_file() or not shutil.which("squeue"):
        return None
    job = json.loads(path.read_text())["job"]
    # Of a job that has been over for minutes squeue says that it is invalid.
    done = subprocess.run(["squeue", "--noheader", f"--jobs={job}"], capture_output=True, text=True)
    return job if done.returncode == 0 and done.stdout.strip() else None


def _ranges(indices: Sequence[int]) -> str:
    """ "0-3,7" of 0, 1, 2, 3, 7."""
    ranges: list[list[int]] = []
    for index in sorted(indices):
        if ranges and index == ranges[-1][1] + 1:
            ranges[-1][1] = index
        else:
            ranges.append([index, index])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in ranges)
