"""Trains a model on real clips only; run again on the same workdir, it resumes.

    avsync-train --config=quickstart --workdir=runs/quickstart
    avsync-train --config=grid --workdir=runs/small --config.model.visual.embedding=64 \\
        --config.model.audio.embedding=64 --config.optim.learning_rate=1e-3
    avsync-train --config=avh_align:clips --weights=weights/avhubert --workdir=runs/clips

SIGTERM (a time limit, a preempted machine) saves a checkpoint and ends the training with exit
status 75; launch/README.md describes how it is started again.
"""

import signal
import sys
from pathlib import Path

from absl import flags

from avsync.bin import _config_flag, _tracking_flag
from avsync.bin.base import PREEMPTED, UsageError, end, run_binary, suppress_stderr

CONFIG = flags.DEFINE_string("config", None, _config_flag.CONFIG_HELP, required=True)
WORKDIR = flags.DEFINE_string(
    "workdir", None, "Folder for checkpoints and metrics; resumed if it exists.", required=True
)
WEIGHTS = flags.DEFINE_string(
    "weights", None, "Checkpoint of the encoder to start from, as avsync-convert writes one."
)
PROFILE = flags.DEFINE_integer(
    "profile", 0, "Number of updates to trace into WORKDIR/profile, for TensorBoard or Perfetto."
)


def main(_: list[str]) -> None:
    # Before the slow imports: a mistyped config is reported at once.
    chosen = _config_flag.read_config(CONFIG.value)
    signal.signal(signal.SIGTERM, _end_unsaved)
    # Imported here, because --help must not wait for TensorFlow.
    with suppress_stderr():
        from avsync import build_start, build_training, checkpoint, runtime, trained
        from avsync.files import file_lock
        from avsync.train.loop import train
        from avsync.train.preemption import Preempted

        tracker = _tracking_flag.tracker(chosen.fields_with({}))
        runtime.start()
    workdir = Path(WORKDIR.value).expanduser()
    try:
        config = build_training.with_origin(build_start.with_weights(chosen.config, WEIGHTS.value))
        is_new = not checkpoint.can_resume(workdir)
        if not is_new:
            trained.read_config(workdir)  # names a workdir of avsync 0.1 as such
        job = build_training.make_training(config, workdir)
        if is_new:
            job = build_start.start(job, config)
    except (ValueError, OSError) as error:
        raise UsageError(str(error)) from error
    with file_lock(workdir / f"trainer{runtime.this_host().index}.lock"):
        build_start.write_config(config, workdir)
        try:
            loss = train(job, workdir, num_profiled=PROFILE.value, tracker=tracker)
        except Preempted as preempted:
            end(f"{preempted}; run the same command again to resume", PREEMPTED)
    runtime.announce(
        f"done: {workdir}, best validation loss {loss:.3f} nats per {job.rule.objective.unit}"
    )


def _end_unsaved(*_: object) -> None:
    """Handles SIGTERM before the first update and after the last; the loop has its own handler."""
    end("preempted, nothing to save; run the same command again", PREEMPTED)


def run() -> None:
    """The console script `avsync-train`."""
    _config_flag.define_fields(sys.argv[1:])
    run_binary(main)


if __name__ == "__main__":
    run()
