"""Config to a training: the data, model, optimiser and schedule that avsync.train.loop takes."""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import jax

from avsync import build, lookup
from avsync.build_data import SHUFFLED, Member, make_epochs, open_members
from avsync.config import Config, with_changes
from avsync.environment import describe_source
from avsync.input_pipeline.evaluation import eval_batches
from avsync.input_pipeline.gates import decisions
from avsync.input_pipeline.gates.judging import Gates, judge, require_gates
from avsync.mirror import address_of
from avsync.models.aligner import Aligner
from avsync.partition import ALL_TRAINED, make_partition
from avsync.pp.pseudo_fakes import PseudoFakes
from avsync.pp.pseudo_fakes import require_valid as require_valid_fakes
from avsync.runtime import this_host
from avsync.train import optim
from avsync.train.job import Schedule, Training, Validation
from avsync.train.layer_decay import layer_factors
from avsync.train.losses import pseudo_fake
from avsync.train.losses.base import Objective
from avsync.train.optim import Optimiser, Plateau
from avsync.train.step import Apply, UpdateRule, require_valid
from avsync.train.transforms import with_cross_clip_negatives, with_remat
from avsync.trained import with_origin_of
from avsync.types import Source


def make_training(config: Config, workdir: Path | None = None) -> Training:
    """Everything that `avsync.train.loop.train` needs; ValueError names an invalid value.

    With a `workdir`, the findings of config.data.gates are written there.
    """
    data, train, objective = config.data, config.train, load_objective(config.train)
    members, val_members = (open_members(config, x) for x in (data.train_split, data.val_split))
    if objective.is_real_only:
        for member in (*members, *val_members):
            build.require_real_only(member.source)
    model = build.make_model(config)
    extraction = members[0].source.extraction
    build.require_readable(config, extraction)
    # The alignment loss is validated on clips trimmed as in the paper, whatever the training clips
    # are; the supervised baseline on clips trimmed like its training clips, that is, untrimmed.
    is_fixed = extraction or not objective.is_real_only
    val_trim = data.trim if is_fixed else "leading"
    members = apply_all_gates(config, members, workdir)
    val_members = _shifted_alike(val_members, members)
    epochs = make_epochs(config, members, pseudo_fakes=make_pseudo_fakes(config))
    schedule = Schedule(
        num_steps=train.num_epochs * epochs.num_steps or train.num_steps,
        log_every=train.log_every,
        validate_every=epochs.num_steps if train.num_epochs else train.checkpoint_every,
        max_waited=train.early_stop_validations,
    )

    def init() -> Any:
        return build.init_params(model, build.inputs_like(extraction), seed=config.seed)

    return Training(
        batches=epochs.batches,
        validations=tuple(
            Validation(
                name=member.source.dataset,
                weight=member.share,
                batches=partial(
                    eval_batches,
                    member.source,
                    batch_size=data.batch_size // this_host().count,
                    trim=val_trim,
                    host=this_host(),
                ),
            )
            for member in val_members
        ),
        apply=build.make_apply(model),
        apply_in_training=make_apply_in_training(config, model),
        init=init,
        rule=make_rule(config, num_steps=schedule.num_steps, init=init),
        plateau=make_plateau(config),
        schedule=schedule,
        datasets={
            source.dataset: {**describe_source(source), "share": share} for source, share in members
        },
    )


def with_origin(config: Config) -> Config:
    """`config` with the record of the features that its training split holds, if it holds any.

    ValueError if the split is not found, or if the config records other features already.
    """
    load_objective(config.train)  # a mistyped name must not wait for the data
    return with_origin_of(
        config, open_members(config, config.data.train_split)[0].source.extraction
    )


def make_rule(config: Config, *, num_steps: int, init: Callable[[], Any]) -> UpdateRule:
    """The settings of each of `num_steps` updates of the parameters that `init` returns.

    ValueError names an invalid value.
    """
    train, factors, partition = config.train, None, ALL_TRAINED
    if train.freeze or config.optim.layer_decay != 1:
        shapes = jax.eval_shape(init)
        partition = make_partition(train.freeze, shapes)
        every = layer_factors(shapes, decay=config.optim.layer_decay)
        factors = partition.trained_of(partition.split(every))
    rule = UpdateRule(
        optimiser=make_optimiser(config, num_steps=num_steps, factors=factors),
        objective=load_objective(train),
        reduction=train.reduction,
        grad_accum_steps=train.grad_accum_steps,
        ema_decay=config.optim.ema_decay,
        partition=partition,
    )
    require_valid(rule)
    return rule


def load_objective(train: Config) -> Objective:
    """The objective of config.train; ValueError names the nearest known loss."""
    lookup.require("config.train.loss", train.loss, lookup.names("train.losses"))
    loss = lookup.load("train.losses", train.loss)
    return loss.make_objective(**train.pseudo_fakes) if loss is pseudo_fake else loss.objective


def make_pseudo_fakes(config: Config) -> PseudoFakes | None:
    """The pseudo-fakes that training makes of its clips; None if its loss does not need them.

    ValueError names an invalid value.
    """
    if not load_objective(config.train).makes_fakes:
        return None
    if config.data.order != SHUFFLED:
        raise ValueError(
            f"config.train.loss={config.train.loss!r} needs config.data.order='shuffled', got "
            f"{config.data.order!r}: pseudo-fakes are made of windows of clips"
        )
    options = PseudoFakes(**config.data.pseudo_fakes)
    require_valid_fakes(options)
    return options


def make_apply_in_training(config: Config, model: Aligner) -> Apply:
    """(params, visual, audio, valid) -> the logits that the loss of an update is computed from.

    ValueError if config.train.reach_clips conflicts with another field.
    """
    train, apply = config.train, build.make_apply(model)
    if train.reach_clips:
        _require_neighbours(config)
        encode, align = (build.make_apply(model, method=name) for name in ("encode", "align"))
        apply = with_cross_clip_negatives(encode, align, reach_clips=train.reach_clips)
    return with_remat(apply, train.remat)


def _require_neighbours(config: Config) -> None:
    reach_clips = config.train.reach_clips
    clashes = {
        "config.train.loss": (config.train.loss, "alignment"),
        "config.data.order": (config.data.order, SHUFFLED),
        # Clips have no neighbours outside of their part of the batch.
        "config.train.grad_accum_steps": (config.train.grad_accum_steps, 1),
    }
    for field, (value, needed) in clashes.items():
        if value != needed:
            raise ValueError(
                f"config.train.reach_clips={reach_clips} needs {field}={needed!r}, got {value!r}; "
                "change it, or set config.train.reach_clips=0"
            )
    num_clips = config.data.batch_size
    if not 0 < 2 * reach_clips < num_clips:
        raise ValueError(
            f"config.train.reach_clips must be 0 to {(num_clips - 1) // 2} for "
            f"config.data.batch_size={num_clips}, or a clip would be its own neighbour; got "
            f"{reach_clips}"
        )


def make_plateau(config: Config) -> Plateau:
    """The rule of config.optim that lowers the learning rate when validations stop improving."""
    options = config.optim
    return optim.make_plateau(
        options.schedule, factor=options.plateau_factor, patience=options.plateau_patience
    )


def make_optimiser(config: Config, *, num_steps: int, factors: Any = None) -> Optimiser:
    """The optimiser of config.optim, with its learning-rate schedule over `num_steps` updates.

    `factors` of the rate are as for `optim.make_optimiser`.
    """
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
        factors=factors,
    )


def apply_all_gates(
    config: Config, members: Sequence[Member], workdir: Path | None
) -> list[Member]:
    """`members` as config.data.gates leave them, each judged by itself; see `apply_gates`.

    The findings on a member of a mixture are in WORKDIR/gates/NAME, and its scores are in
    NAME/TRAIN_SPLIT/scores.jsonl below config.data.gates.sync_scores.
    """
    if len(members) == 1:
        return [x._replace(source=apply_gates(config, x.source, workdir)) for x in members]
    gated, folder = [], config.data.gates.sync_scores
    for member in members:
        name, split = member.source.dataset, member.source.split
        path = str(Path(folder) / name / split / "scores.jsonl") if folder else ""
        own = with_changes(config, {"data.gates.sync_scores": path})
        source = apply_gates(own, member.source, workdir and workdir / "gates" / name)
        gated.append(member._replace(source=source))
    return gated


def _shifted_alike(val_members: Sequence[Member], members: Sequence[Member]) -> list[Member]:
    """`val_members` with the sound of each dataset shifted as that of its training split."""
    late = {x.source.dataset: x.source.edits.corpus_late_frames for x in members}
    return [
        x._replace(
            source=x.source._replace(
                edits=x.source.edits._replace(corpus_late_frames=late[x.source.dataset])
            )
        )
        for x in val_members
    ]


def apply_gates(config: Config, source: Source, workdir: Path | None) -> Source:
    """`source` without the clips that config.data.gates drop, and with those that they shift.

    With a `workdir`, the findings are written there and read again when the training resumes, so
    that its batches stay the same. ValueError if a setting of the gates is invalid, if the
    findings in `workdir` are those of other gates or data, or if data.order is not "shuffled".
    """
    data = config.data
    gates = Gates(**data.gates)
    require_gates(gates)
    if gates.are_open():
        return source
    if data.order != SHUFFLED:
        raise ValueError(
            f"config.data.gates drop clips, but config.data.order={data.order!r} reads all frames "
            "of the split: reset config.data.gates, or use 'shuffled'"
        )
    settings = {
        **gates._asdict(),
        "directory": address_of(source.directory) or str(source.directory),
        "split": source.split,
        "num_clips": source.num_clips,
    }
    decided = decisions.read(workdir, settings=settings) if workdir else None
    if decided is None:
        decided = judge(source, gates)
        if workdir and this_host().index == 0:
            decisions.write(decided, workdir, settings=settings)
    if this_host().index == 0:
        line = decisions.describe(decided, num_clips=source.num_clips)
        print(f"{source.dataset}: {line}" if config.data.mixture else line, file=sys.stderr)
    return decisions.apply(decided, source)
