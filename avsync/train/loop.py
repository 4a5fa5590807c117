"""The training loop: update, report, validate, save; and go on where a dead run left off.

Order, for update n (0-based): batch n is read; the update runs; the metrics of update n - 1 are
read while it does (so at most two updates are in flight, and the device never waits for the log);
every `checkpoint_every` updates the validation loss is taken and a checkpoint named n + 1 begun.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from avsync import parallel
from avsync.checkpoint import Checkpointer
from avsync.input_pipeline.evaluation import eval_batches
from avsync.input_pipeline.training import train_batches
from avsync.optim import Optimiser
from avsync.pp.augment import Augmentation
from avsync.runtime import Progress, this_host
from avsync.train.reporter import Reporter
from avsync.train.state import TrainState
from avsync.train.step import make_eval_step, make_train_step, refuse_fakes
from avsync.types import Source
from avsync.writer import MetricsWriter


class Schedule(NamedTuple):
    """In updates: how many, and how often to report and to save."""

    num_steps: int
    log_every: int
    checkpoint_every: int


class Training(NamedTuple):
    """A training, made by avsync.build from a config. Both sources hold reals only.

    `trim` and `val_trim` name the rules of avsync.pp.silence for either.
    """

    source: Source
    val_source: Source
    apply: Callable[..., jax.Array]
    init: Callable[[], Any]
    optimiser: Optimiser
    seed: int
    batch_size: int
    window_frames: int
    trim: str
    val_trim: str
    amount: Augmentation
    schedule: Schedule


def train(job: Training, workdir: Path) -> float:
    """Trains to the end of the schedule and returns the last validation loss, in nats a frame.

    ValueError if a fake turns up in the data or the loss is no longer finite.
    """
    host = this_host()
    num_steps = job.schedule.num_steps
    update = parallel.map_step(make_train_step(job.apply, job.optimiser), donate_state=True)
    params = job.init()
    state = TrainState(jnp.zeros((), jnp.int32), params, job.optimiser.init(params))
    state = parallel.replicate(state)

    with Checkpointer(workdir) as checkpointer:
        first_step = checkpointer.latest_step or 0
        if first_step:
            state = checkpointer.restore(state)
        batches = train_batches(
            job.source,
            batch_size=job.batch_size // host.count,
            window_frames=job.window_frames,
            trim=job.trim,
            seed=job.seed,
            first_step=first_step,
            host=host,
            amount=job.amount,
        )
        val_loss = checkpointer.latest_loss
        validate = parallel.map_step(make_eval_step(job.apply), donate_state=False)
        with (
            MetricsWriter(workdir, first_step=first_step) as writer,
            Progress("training", total=num_steps, done=first_step) as progress,
        ):
            frames_per_step = job.batch_size * job.window_frames
            reporter = Reporter(
                writer, progress, every=job.schedule.log_every, frames_per_step=frames_per_step
            )
            for step in range(first_step, num_steps):
                batch, clip_ids = next(batches)
                refuse_fakes(batch, clip_ids)
                state, metrics = update(state, parallel.spread(batch))
                reporter.report_before(step + 1, metrics)
                if (step + 1) % job.schedule.checkpoint_every == 0 or step + 1 == num_steps:
                    reporter.flush()
                    val_loss = validation_loss(job, validate, state.params)
                    writer.write(step + 1, split="val", loss=val_loss)
                    progress.say(f"step {step + 1}: validation loss {val_loss:.3f} nats a frame")
                    checkpointer.save(step + 1, state, loss=val_loss)
    return val_loss


def validation_loss(job: Training, validate: Callable[..., Any], params: Any) -> float:
    """Mean loss a frame over the validation split, whole clips."""
    nll, num_frames = 0.0, 0
    batches = eval_batches(
        job.val_source, batch_size=job.batch_size, trim=job.val_trim, host=this_host()
    )
    for batch, infos in batches:
        refuse_fakes(batch, [info.clip_id for info in infos])
        sums = jax.device_get(validate(params, parallel.spread(batch)))
        nll += float(sums["nll"])
        num_frames += int(sums["num_frames"])
    return nll / max(num_frames, 1)
