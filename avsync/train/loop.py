"""The training loop: update, report, validate, save; and go on where a dead run left off.

Order, for update n (0-based): batch n is read; the update runs; the metrics of update n - 1 are
read while it does (so at most two updates are in flight, and the device never waits for the log);
every `validate_every` updates the validation loss is taken, it is judged whether to slow down or to
stop, and a checkpoint named n + 1 begun.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax

from avsync import parallel
from avsync.checkpoint import Checkpointer
from avsync.input_pipeline.evaluation import EvalBatch
from avsync.input_pipeline.training import TrainBatch
from avsync.losses.base import Objective
from avsync.optim import Optimiser, Plateau
from avsync.runtime import Progress
from avsync.train.reporter import Reporter
from avsync.train.state import new_state
from avsync.train.step import make_eval_step, make_train_step, refuse_fakes
from avsync.train.validation import validation_loss
from avsync.writer import MetricsWriter


class Schedule(NamedTuple):
    """In updates: how many at most, and how often to report and to validate and save.

    max_waited: validations in a row that were no better, after which training stops; 0: never.
    """

    num_steps: int
    log_every: int
    validate_every: int
    max_waited: int


class Training(NamedTuple):
    """A training, made by avsync.build from a config.

    batches: (first_step) -> batch first_step and all that follow it.
    val_batches: () -> the validation clips.
    objective: what is minimised; where it is for reals alone, so are all batches.
    apply: (params, visual, audio, valid) -> offset_logits.
    init: () -> the parameters to start with.
    reduction: avsync.train.step.REDUCTIONS.
    """

    batches: Callable[[int], Iterator[TrainBatch]]
    val_batches: Callable[[], Iterable[EvalBatch]]
    apply: Callable[..., jax.Array]
    init: Callable[[], Any]
    optimiser: Optimiser
    plateau: Plateau
    objective: Objective
    reduction: str
    schedule: Schedule


def train(job: Training, workdir: Path) -> float:
    """Trains to the end of the schedule and returns the best validation loss, in nats.

    A training that is over, also before the end of its schedule, is left as it is. ValueError if a
    fake turns up in the data or the loss is no longer finite.
    """
    num_steps, log_every, validate_every, max_waited = job.schedule
    objective = job.objective
    step_fn = make_train_step(
        job.apply, job.optimiser, objective=objective, reduction=job.reduction
    )
    update = parallel.map_step(step_fn, donate_state=True)
    validate = parallel.map_step(make_eval_step(job.apply, objective=objective), donate_state=False)
    state = new_state(job.init(), optimiser=job.optimiser, plateau=job.plateau)
    state = parallel.replicate(state)

    with Checkpointer(workdir) as checkpointer:
        step = checkpointer.latest_step or 0
        if step:
            state = checkpointer.restore(state)
        is_stopped = state.patience.is_exhausted(max_waited)
        batches = job.batches(step)
        with (
            MetricsWriter(workdir, first_step=step) as writer,
            Progress("training", total=num_steps, done=step) as progress,
        ):
            reporter = Reporter(writer, progress, every=log_every)
            while step < num_steps and not is_stopped:
                batch, clip_ids = next(batches)
                if objective.is_real_only:
                    refuse_fakes(batch, clip_ids)
                state, metrics = update(state, parallel.spread(batch))
                step += 1
                reporter.report_before(step, metrics)
                if step % validate_every == 0 or step == num_steps:
                    reporter.flush()
                    loss = validation_loss(
                        job.val_batches(),
                        validate=validate,
                        params=state.params,
                        is_real_only=objective.is_real_only,
                    )
                    patience = state.patience.after(loss, plateau=job.plateau)
                    scale = float(patience.plateau.scale)
                    writer.write(step, split="val", loss=loss, learning_rate_scale=scale)
                    progress.say(f"step {step}: validation loss {loss:.3f} nats a {objective.unit}")
                    state = state._replace(patience=parallel.replicate(patience))
                    checkpointer.save(step, state, loss=loss)
                    is_stopped = patience.is_exhausted(max_waited)
            if is_stopped:
                progress.say(f"stopped after update {step}: {max_waited} validations no better")
    return float(state.patience.best_loss)
