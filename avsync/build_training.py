"""Config to a training: data, model, optimiser and schedule, as avsync.train.loop takes them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import jax

from avsync import build, checkpoint, lookup, optim
from avsync.config import Config
from avsync.datasets.base import open_source
from avsync.input_pipeline.evaluation import eval_batches
from avsync.input_pipeline.official_order import file_order_batches, num_batches, require_alone
from avsync.input_pipeline.training import TrainBatch, count_slots, train_batches
from avsync.optim import Optimiser, Plateau
from avsync.pp import silence
from avsync.pp.augment import Augmentation
from avsync.runtime import this_host
from avsync.train.loop import Schedule, Training
from avsync.types import Source

ORDERS = ("shuffled", "file")


class Epochs(NamedTuple):
    """num_steps: updates of an epoch. batches: (first_step) -> that batch and what follows it."""

    num_steps: int
    batches: Callable[[int], Iterator[TrainBatch]]


def make_training(config: Config) -> Training:
    """All that `avsync.train.loop.train` needs; ValueError names a value that is not possible."""
    data, train = config.data, config.train
    silence.rule(data.trim)  # refused here, not by the first batch
    objective = lookup.load("losses", train.loss).objective
    source, val_source = (
        open_source(data.dataset, split, data_dir=data.data_dir, trim=data.trim)
        for split in (data.train_split, data.val_split)
    )
    if objective.is_real_only:
        source, val_source = map(build.require_real_only, (source, val_source))
    model = build.make_model(config)
    build.require_readable(config, source.extraction)
    # A model of alignment is judged on clips as the paper trims them, whatever is done to those it
    # is trained on; the labelled baseline on such as it is trained on, silence and all.
    is_fixed = source.extraction or not objective.is_real_only
    val_trim = data.trim if is_fixed else "leading"
    epochs = make_epochs(config, source)
    schedule = Schedule(
        num_steps=train.num_epochs * epochs.num_steps or train.num_steps,
        log_every=train.log_every,
        validate_every=epochs.num_steps if train.num_epochs else train.checkpoint_every,
        max_waited=train.early_stop_validations,
    )
    return Training(
        batches=epochs.batches,
        val_batches=lambda: eval_batches(
            val_source,
            batch_size=data.batch_size // this_host().count,
            trim=val_trim,
            host=this_host(),
        ),
        apply=build.apply_of(model),
        init=lambda: build.init_params(
            model, build.inputs_like(source.extraction), seed=config.seed
        ),
        optimiser=make_optimiser(config, num_steps=schedule.num_steps),
        plateau=make_plateau(config),
        objective=objective,
        reduction=train.reduction,
        schedule=schedule,
    )


def make_epochs(config: Config, source: Source) -> Epochs:
    """The batches of config.data.order; ValueError if `source` cannot be read in that order."""
    data = config.data
    if data.order not in ORDERS:
        raise ValueError(lookup.unknown("order", data.order, list(ORDERS)))
    if data.order == "shuffled":
        count_slots(source, batch_size=data.batch_size, host=this_host())  # refused here if not
        return Epochs(
            num_steps=-(-source.num_clips // data.batch_size),
            batches=lambda first_step: train_batches(
                source,
                batch_size=data.batch_size,
                window_frames=data.window_frames,
                trim=data.trim,
                seed=config.seed,
                first_step=first_step,
                host=this_host(),
                amount=Augmentation(**data.augmentation),
            ),
        )
    require_alone(this_host())
    return Epochs(
        num_steps=num_batches(source, frames_per_batch=data.frames_per_batch),
        batches=lambda first_step: file_order_batches(
            source,
            frames_per_batch=data.frames_per_batch,
            num_rows=jax.local_device_count(),
            reach_frames=config.model.reach_frames,
            trim=data.trim,
            first_step=first_step,
        ),
    )


def start_from(job: Training, place: str) -> Training:
    """`job`, beginning with the parameters of `place`, a workdir or one of its steps.

    ValueError, naming the first that differs, if they are those of another model.
    """
    path = Path(place).expanduser()
    params = checkpoint.load_params_like(path, jax.eval_shape(job.init))
    return job._replace(init=lambda: params)


def make_plateau(config: Config) -> Plateau:
    """What config.optim makes of the learning rate when validations are no better."""
    options = config.optim
    return optim.make_plateau(
        options.schedule, factor=options.plateau_factor, patience=options.plateau_patience
    )


def make_optimiser(config: Config, *, num_steps: int) -> Optimiser:
    """The optimiser of config.optim, with its schedule for so many updates."""
    options = config.optim
    schedule = optim.make_schedule(
        options.schedule,
        peak=options.learning_rate,
        num_steps=num_steps,
        warmup_steps=options.warmup_steps,
    )
    return optim.make_optimiser(
        options.name,
        schedule=schedule,
        weight_decay=options.weight_decay,
        max_gradient_norm=options.max_gradient_norm,
    )
