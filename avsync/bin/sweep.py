"""Trains and tests many variants of a config and writes one table of the results.

    avsync-sweep --config=quickstart --sweep=learning_rate --workdir=runs/learning_rate

Run again on the same workdir, it resumes: finished runs are kept, interrupted runs continue, failed
runs are tried again. --config.FIELD=VALUE changes all runs. Writes sweep.csv, sweep.md and
sweep.png; runs/NAME is the workdir of a training and logs/NAME.log its output.
"""

import os
import sys
from pathlib import Path

from absl import flags

from avsync.bin import _config_flag, _sweep_flags
from avsync.bin.base import FAILED, PREEMPTED, UsageError, end, run_binary, suppress_stderr

CONFIG = flags.DEFINE_string("config", None, _config_flag.CONFIG_HELP, required=True)
WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the runs and the table.", required=True)
LAUNCHER = flags.DEFINE_enum(
    "launcher", "local", ["local", "slurm"], "Execute the runs on this machine or as a Slurm array."
)
JOBS = flags.DEFINE_integer("jobs", 1, "Runs at a time; if several, one GPU each.", lower_bound=1)
SBATCH = flags.DEFINE_multi_string("sbatch", [], "Option for sbatch: --sbatch=--gres=gpu:1.")
DATASET = flags.DEFINE_string("dataset", None, "Dataset to test on. Default: that of the training.")
SPLIT = flags.DEFINE_string("split", "test", "Split to test on; empty for no test.")
COLLECT = flags.DEFINE_bool("collect", False, "Only write the table of the results so far.")
ONLY = flags.DEFINE_integer("only", None, "Execute only the run of this index; write no table.")


def main(_: list[str]) -> None:
    # Imported here, so that --help does not wait for them.
    from avsync.reports.sweep import report
    from avsync.sweeps import job, plan, runner, slurm
    from avsync.sweeps.commands import Evaluation, array_task_command

    root, evaluation = Path(WORKDIR.value).expanduser(), Evaluation(DATASET.value, SPLIT.value)
    chosen = _config_flag.read_config(CONFIG.value)
    try:
        by_index = "--launcher=slurm" if LAUNCHER.value == "slurm" else ""
        by_index = by_index if ONLY.value is None else "--only"
        sweep, study = _sweep_flags.plan_sweep(chosen, root, needs_list=by_index)
        left = job.pending(sweep, root, evaluation=evaluation, only=ONLY.value)
        if (left or study) and not COLLECT.value:
            with suppress_stderr():  # It imports TensorFlow, and prints nothing itself.
                job.require_test_split(sweep, evaluation=evaluation)
        slurm.require_options(SBATCH.value)
        num_local = JOBS.value if LAUNCHER.value == "local" else 1
        slots = runner.make_slots(num_local, gpus=runner.visible_gpus(os.environ))
    except ValueError as error:
        raise UsageError(str(error)) from error
    plan.record(sweep, root)
    if left and LAUNCHER.value == "slurm" and not COLLECT.value:
        sweep_file = _sweep_flags.SWEEP.value
        command = array_task_command(sweep, sweep_file, workdir=root, evaluation=evaluation)
        slurm.launch(root, left, command=command, num_jobs=JOBS.value, options=SBATCH.value)
        return
    if not COLLECT.value:
        try:
            if study:
                sweep = study.execute(evaluation=evaluation, slots=slots)
            else:
                job.execute(sweep, root, evaluation=evaluation, indices=left, slots=slots)
        except runner.Preempted:
            end("preempted; run the same command again to resume", PREEMPTED)
    if ONLY.value is None:
        report.write_and_print(sweep, root, evaluation=evaluation)
    if failure := job.failure(sweep, root, only=ONLY.value):
        end(failure, FAILED)


def run() -> None:
    """The console script `avsync-sweep`."""
    _config_flag.define_fields(sys.argv[1:])
    run_binary(main)


if __name__ == "__main__":
    run()
