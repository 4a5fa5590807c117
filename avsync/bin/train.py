"""Trains an alignment model on real clips only; run again on the same workdir, it goes on.

    avsync-train --config=configs/quickstart.py --workdir=runs/quickstart

Told to end (SIGTERM), it saves and ends with status 75: see launch/README.md.
Any field of the config can be changed: --config.optim.learning_rate=1e-3
"""

import json
import signal
from pathlib import Path

from absl import flags
from ml_collections import config_flags

from avsync.bin.base import PREEMPTED, UsageError, end, run_binary, suppress_stderr

CONFIG = config_flags.DEFINE_config_file("config", None, "configs/NAME.py[:ARG]", lock_config=True)
WORKDIR = flags.DEFINE_string("workdir", None, "Where checkpoints and metrics go.", required=True)
PROFILE = flags.DEFINE_integer(
    "profile", 0, "Traces so many updates into WORKDIR/profile, for TensorBoard or Perfetto."
)
flags.mark_flag_as_required("config")


def main(_: list[str]) -> None:
    # Read before anything that takes long to import: what is mistyped is told at once.
    try:
        config = CONFIG.value
        written = json.loads(config.to_json())  # of a file that could not be read, raises
    except (ValueError, OSError) as error:
        raise UsageError(str(error)) from error
    signal.signal(signal.SIGTERM, _told_to_end)
    with suppress_stderr():  # and not at the top: --help need not wait for TensorFlow
        from avsync import build_training, checkpoint, runtime
        from avsync.files import file_lock
        from avsync.train.loop import train
        from avsync.train.preemption import Preempted

        runtime.start()
    workdir = Path(WORKDIR.value).expanduser()
    try:
        job = build_training.make_training(config, workdir)
        if config.train.init_from and not checkpoint.is_begun(workdir):
            job = build_training.start_from(job, config.train.init_from)
    except (ValueError, OSError) as error:
        raise UsageError(str(error)) from error
    with file_lock(workdir / f"trainer{runtime.this_host().index}.lock"):
        checkpoint.write_config(workdir, written)
        runtime.write_environment(workdir)
        try:
            loss = train(job, workdir, num_profiled=PROFILE.value)
        except Preempted as told:
            end(f"{told}; run it again to go on", PREEMPTED)
    runtime.announce(
        f"done: {workdir}, best validation loss {loss:.3f} nats a {job.rule.objective.unit}"
    )


def _told_to_end(*_: object) -> None:
    """Before the first update and after the last; between them, updates are saved first."""
    end("told to end while nothing was there to be saved; run it again to go on", PREEMPTED)


def run() -> None:
    """The console script `avsync-train`."""
    run_binary(main)


if __name__ == "__main__":
    run()
