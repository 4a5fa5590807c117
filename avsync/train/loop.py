"""The training loop: update, report, validate, save; and go on where a dead run left off.

Order, for update n (0-based): batch n is read; the update runs; the metrics of update n - 1 are
read while it does (so at most two updates are in flight, and the device never waits for the log);
every `checkpoint_every` updates the validation loss is taken and a checkpoint named n + 1 begun.
"""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from avsync import parallel
from avsync.checkpoint import Checkpointer
from avsync.input_pipeline import eval_batches, train_batches
from avsync.optim import Optimiser
from avsync.pp.augment import Augmentation
from avsync.runtime import Progress, this_host
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
    """A training, made by avsync.build from a config. Both sources hold reals only."""

    source: Source
    val_source: Source
    apply: Callable[..., jax.Array]
    init: Callable[[], Any]
    optimiser: Optimiser
    seed: int
    batch_size: int
    window_frames: int
    trim: str
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
        val_loss = float("nan")
        validate = parallel.map_step(make_eval_step(job.apply), donate_state=False)
        with (
            MetricsWriter(workdir, first_step=first_step) as writer,
            Progress("training", total=num_steps, done=first_step) as progress,
        ):
            report = _Reporter(job, writer, progress)
            for step in range(first_step, num_steps):
                batch, clip_ids = next(batches)
                refuse_fakes(batch, clip_ids)
                state, metrics = update(state, parallel.spread(batch))
                report.update(step + 1, metrics)
                if (step + 1) % job.schedule.checkpoint_every == 0 or step + 1 == num_steps:
                    report.flush()
                    val_loss = validation_loss(job, validate, state.params)
                    writer.write(step + 1, split="val", loss=val_loss)
                    progress.say(f"step {step + 1}: validation loss {val_loss:.3f} nats a frame")
                    checkpointer.save(step + 1, state, loss=val_loss)
    return val_loss


def validation_loss(job: Training, validate: Callable[..., Any], params: Any) -> float:
    """Mean loss a frame over the validation split: whole clips, trimmed by the paper's rule."""
    nll, num_frames = 0.0, 0
    batches = eval_batches(
        job.val_source, batch_size=job.batch_size, trim="leading", host=this_host()
    )
    for batch, infos in batches:
        refuse_fakes(batch, [info.clip_id for info in infos])
        sums = jax.device_get(validate(params, parallel.spread(batch)))
        nll += float(sums["nll"])
        num_frames += int(sums["num_frames"])
    return nll / max(num_frames, 1)


class _Reporter:
    """Reads the metrics of an update when the next one is running."""

    def __init__(self, job: Training, writer: MetricsWriter, progress: Progress):
        self._job, self._writer, self._progress = job, writer, progress
        self._waiting: tuple[int, Any] | None = None
        self._since, self._since_step = time.monotonic(), progress.done

    def update(self, step: int, metrics: Any) -> None:
        self.flush()
        self._waiting = (step, metrics)

    def flush(self) -> None:
        if self._waiting is None:
            return
        step, metrics = self._waiting
        self._waiting = None
        values = {name: float(value) for name, value in jax.device_get(metrics).items()}
        if not math.isfinite(values["loss"]):
            raise ValueError(
                f"the loss of update {step} is {values['loss']}; lower config.optim.learning_rate "
                "or set config.optim.max_gradient_norm. The last checkpoint is untouched."
            )
        self._progress.advance_to(step, f"loss {values['loss']:.3f}")
        if step % self._job.schedule.log_every == 0:
            seconds = time.monotonic() - self._since
            frames = (step - self._since_step) * self._job.batch_size * self._job.window_frames
            values["frames_per_second"] = round(frames / max(seconds, 1e-9), 1)
            self._writer.write(step, split="train", **values)
            self._since, self._since_step = time.monotonic(), step
