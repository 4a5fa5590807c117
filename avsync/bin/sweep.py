"""Many trainings of one config, each evaluated, and one table of what came out.

    avsync-sweep --config=configs/quickstart.py --sweep=configs/sweeps/learning_rate.py \\
        --workdir=runs/learning_rate

Run again on the same workdir, it goes on: what is done is left alone, what was cut off continues,
what failed is tried again. --config.x.y=VALUE changes all runs. Writes sweep.csv, sweep.md and
sweep.png; runs/NAME is the workdir of a training, logs/NAME.log what it said.
"""

import os
import sys
from pathlib import Path

from absl import flags

from avsync.bin import _config_flag
from avsync.bin.base import FAILED, PREEMPTED, UsageError, end, run_binary, suppress_stderr

CONFIG = flags.DEFINE_string("config", None, _config_flag.CONFIG_HELP, required=True)
SWEEP = flags.DEFINE_string("sweep", None, _config_flag.SWEEP_HELP, required=True)
WORKDIR = flags.DEFINE_string("workdir", None, "Where runs and their table go.", required=True)
LAUNCHER = flags.DEFINE_enum("launcher", "local", ["local", "slurm"], "Here, or as a Slurm array.")
JOBS = flags.DEFINE_integer("jobs", 1, "Runs at a time; here each has one GPU.", lower_bound=1)
SBATCH = flags.DEFINE_multi_string("sbatch", [], "As in --sbatch=--gres=gpu:1, of Slurm. Repeat.")
DATASET = flags.DEFINE_string("dataset", None, "To test on, if not that which is trained on.")
SPLIT = flags.DEFINE_string("split", "test", "To test on; empty: none.")
COLLECT = flags.DEFINE_bool("collect", False, "Only write the table, of what there is.")
ONLY = flags.DEFINE_integer("only", None, "Do the run of this number alone, without a table.")


def main(_: list[str]) -> None:
    # Not at the top: --help need not wait for them.
    from avsync.reports.sweep import report
    from avsync.sweeps import job, plan, runner, slots, slurm
    from avsync.sweeps.commands import Evaluation, task_command

    root, evaluation = Path(WORKDIR.value).expanduser(), Evaluation(DATASET.value, SPLIT.value)
    chosen = _config_flag.read_config(CONFIG.value)
    try:
        sweep = plan.make_sweep(
            _config_flag.read_sweep(SWEEP.value),
            config=chosen.argument,
            fixed=chosen.changes,
            fields_with=chosen.fields_with,
        )
        left = job.pending(sweep, root, evaluation=evaluation, only=ONLY.value)
        if left and not COLLECT.value:
            with suppress_stderr():  # it alone imports TensorFlow, and says nothing itself
                job.require_test(sweep, evaluation=evaluation)
        slurm.require_options(SBATCH.value)
        num_here = JOBS.value if LAUNCHER.value == "local" else 1
        machine = slots.make_slots(num_here, gpus=slots.visible_gpus(os.environ))
    except ValueError as error:
        raise UsageError(str(error)) from error
    plan.record(sweep, root)
    if left and LAUNCHER.value == "slurm" and not COLLECT.value:
        command = task_command(sweep, SWEEP.value, workdir=root, evaluation=evaluation)
        slurm.launch(root, left, command=command, num_jobs=JOBS.value, options=SBATCH.value)
        return
    if not COLLECT.value:
        try:
            job.do(sweep, root, evaluation=evaluation, indices=left, slots=machine)
        except runner.ToldToEnd:
            end("told to end; run it again to go on", PREEMPTED)
    if ONLY.value is None:
        report.conclude(sweep, root, evaluation=evaluation)
    if failure := job.failure(sweep, root, only=ONLY.value):
        end(failure, FAILED)


def run() -> None:
    """The console script `avsync-sweep`."""
    _config_flag.define_fields(sys.argv[1:])
    run_binary(main)


if __name__ == "__main__":
    run()
