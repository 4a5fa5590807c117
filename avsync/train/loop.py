"""The training loop: update, report, validate, save; resumes from the latest checkpoint.

Order for update n, counted from 0: read batch n; start the update; while it runs, read the metrics
of update n - 1 (so at most two updates are in flight, and the device never waits for the log).
Every `validate_every` updates: compute the validation loss, decide whether to lower the learning
rate or to stop, and start writing checkpoint n + 1.
"""

from pathlib import Path

from avsync import parallel
from avsync.checkpoint import Checkpointer, abstract
from avsync.environment import write_environment
from avsync.runtime import Progress
from avsync.train.job import Training
from avsync.train.meter import Meter
from avsync.train.preemption import Preempted, Preemption
from avsync.train.profiling import Profiler
from avsync.train.reporter import Reporter, parameters_in_words
from avsync.train.state import count_parameters, new_state
from avsync.train.step import make_eval_step, make_train_step, refuse_fakes
from avsync.train.tracking import Tracker
from avsync.train.validation import losses_in_words, validation_losses
from avsync.train.writer import MetricsWriter


def train(
    job: Training, workdir: Path, *, num_profiled: int = 0, tracker: Tracker | None = None
) -> float:
    """Trains to the end of the schedule; returns the best validation loss, in nats.

    A finished training, also one that stopped early, is left unchanged. `num_profiled` updates are
    traced into workdir/profile; `tracker` gets the metrics too. ValueError if the data holds a
    fake, or if a loss is not finite; workdir/nan_batch.json then lists the clips. `Preempted` if
    the job is preempted.
    """
    num_steps, log_every, validate_every, max_waited = job.schedule
    rule, objective = job.rule, job.rule.objective
    step_fn = make_train_step(job.apply_in_training, rule)
    update = parallel.map_step(step_fn, donate_state=True)
    validate = parallel.map_step_local(make_eval_step(job.apply, objective=objective))
    state = new_state(
        job.init(),
        optimiser=rule.optimiser,
        plateau=job.plateau,
        ema_decay=rule.ema_decay,
        partition=rule.partition,
    )
    num_parameters = count_parameters(state.params, rule.partition)
    write_environment(workdir, num_parameters=num_parameters, datasets=job.datasets)
    state = parallel.replicate(state)

    with Checkpointer(workdir) as checkpointer:
        step = checkpointer.latest_step or 0
        if step:
            # Without the values of the initial state: a large model would be in memory twice.
            state = abstract(state)
            state = checkpointer.restore(state)
        is_stopped = state.patience.is_exhausted(max_waited)
        batches = job.batches(step)
        with (
            Preemption() as preemption,
            MetricsWriter(workdir, first_step=step, tracker=tracker) as writer,
            Progress("training", total=num_steps, done=step) as progress,
            Meter(update) as meter,
            Profiler(workdir, num_steps=num_profiled) as profiler,
        ):
            progress.say(parameters_in_words(num_parameters))
            reporter = Reporter(writer, progress, meter, every=log_every, workdir=workdir)
            while step < num_steps and not is_stopped:
                with profiler.annotate(step):
                    with meter.waiting():
                        batch, clip_ids = next(batches)
                    if objective.is_real_only:
                        refuse_fakes(batch, clip_ids)
                    state, metrics = meter.run(state, batch)
                step += 1
                reporter.report_before(step, metrics, clip_ids)
                profiler.after_update(metrics)
                if step % validate_every == 0 or step == num_steps:
                    with reporter.paused():
                        losses = validation_losses(
                            job.validations,
                            validate=validate,
                            params=parallel.as_local(state.eval_params),
                            is_real_only=objective.is_real_only,
                        )
                        loss = losses["loss"]
                        patience = state.patience.after(loss, plateau=job.plateau)
                        scale = float(patience.plateau.scale)
                        writer.write(step, split="val", **losses, learning_rate_scale=scale)
                        words = losses_in_words(losses, objective.unit)
                        progress.say(f"update {step}: validation loss {words}")
                        state = state._replace(patience=parallel.replicate(patience))
                        checkpointer.save(step, parallel.as_global(state), loss=loss)
                        is_stopped = patience.is_exhausted(max_waited)
                if step < num_steps and not is_stopped and preemption.is_due(step):
                    reporter.flush()
                    checkpointer.save(step, parallel.as_global(state))
                    raise Preempted(f"preempted: saved after update {step} of {num_steps}")
            if is_stopped:
                progress.say(
                    f"stopped early after update {step}: no improvement in {max_waited} validations"
                )
    return float(state.patience.best_loss)
