"""Config to the parameters that a training starts from: random, those of checkpoints, or both."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax

from avsync import build_training, checkpoint, lookup, trained, weights
from avsync.config import Config, with_changes
from avsync.config.changes import PRECOMPUTED
from avsync.train.job import Training
from avsync.trained import SHARED, Trained
from avsync.types import STREAMS

HEAD = "head"
ENCODER = "encoder"  # one that gives the embeddings of both streams
PARTS = (ENCODER, "visual_encoder", "audio_encoder", HEAD)

# Between two PART=CHECKPOINT; a path may hold commas.
_NEXT_PART = re.compile(rf",(?=(?:{'|'.join(PARTS)})=)")


def start(job: Training, config: Config) -> Training:
    """`job`, starting from the parameters that config.train.init_from asks for.

    ValueError if a checkpoint does not fit the model, or if config.train.freeze would freeze random
    parameters.
    """
    frozen = {name.partition(".")[0] for name in job.rule.partition.frozen}
    if not config.train.init_from and not frozen:
        return job
    shapes = jax.eval_shape(job.init)
    params = _loaded(config, shapes)
    random = [part for part in shapes if part not in params]
    if unset := [part for part in random if part in frozen]:
        raise ValueError(
            f"config.train.freeze keeps parameters of the {unset[0]} as they are, but these would "
            f"be random: give the encoder with --weights=CHECKPOINT, or any part with "
            f"--config.train.init_from={unset[0]}=CHECKPOINT"
        )

    def init() -> Any:
        if not random:
            return params
        # The given parts, perhaps a gigabyte, are not computed. Options: see build.init_params.
        options = {"xla_backend_optimization_level": 0} if jax.default_backend() == "cpu" else None
        fresh = jax.jit(
            lambda: {part: job.init()[part] for part in random}, compiler_options=options
        )
        return {**params, **fresh()}

    return job._replace(init=init)


def with_weights(config: Config, place: str | None) -> Config:
    """`config` with the encoder at `place` in its config.train.init_from; unchanged for None.

    A checkpoint that is there already is then that of the head. ValueError if the model does not
    have one encoder for both streams, in one copy or in two.
    """
    if place is None:
        return config
    visual, audio = (config.model[stream].name for stream in STREAMS)
    if audio == SHARED:
        parts = [ENCODER]
    elif visual == audio != PRECOMPUTED:
        parts = [f"{stream}_encoder" for stream in STREAMS]
    else:
        raise ValueError(
            f"--weights gives one encoder for both streams, but this config has {visual!r} and "
            f"{audio!r}: choose another config, such as avh_align:clips, or give each part with "
            "--config.train.init_from=PART=CHECKPOINT,…"
        )
    others = config.train.init_from
    if others and not _is_by_part(others):
        others = f"{HEAD}={others}"
    entries = [*(f"{part}={place}" for part in parts), *([others] if others else [])]
    return with_changes(config, {"train.init_from": ",".join(entries)}).lock()


def write_config(config: Config, workdir: Path) -> None:
    """Writes `config` beside the checkpoints, or compares it with the one that is there.

    Fields that an earlier version did not record have their defaults, and those of the origin of
    features the values of the dataset. ValueError if others differ.
    """
    begun_with = None
    if (workdir / checkpoint.CONFIG).exists():
        recorded = trained.read_config(workdir)
        if recorded.model.visual.name == PRECOMPUTED:
            recorded = build_training.with_origin(recorded)
        begun_with = json.loads(recorded.to_json())
    checkpoint.write_config(workdir, json.loads(config.to_json()), begun_with=begun_with)


def _given(init_from: str, shapes: Mapping[str, Any]) -> dict[str, str]:
    """The checkpoint of each part that config.train.init_from names, or of all parts."""
    if not _is_by_part(init_from):
        return dict.fromkeys(shapes, init_from) if init_from else {}
    given: dict[str, str] = {}
    for entry in _NEXT_PART.split(init_from):
        part, place = entry.split("=", 1)
        lookup.require("part of the model in config.train.init_from", part, list(shapes))
        if part in given:
            raise ValueError(
                f"two checkpoints are given for the {part}, {given[part]} and {place}, in "
                "config.train.init_from or with --weights; leave one out"
            )
        given[part] = place
    return given


def _is_by_part(init_from: str) -> bool:
    part, equals, _ = init_from.partition("=")
    # Any path may have a "=", as in runs/rate=1e-3.
    is_path = Path(init_from).expanduser().exists() or not part.isidentifier()
    return bool(equals) and (part in PARTS or not is_path)


def _loaded(config: Config, shapes: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of each part that config.train.init_from names, checked to fit."""
    init_from = config.train.init_from
    given = _given(init_from, shapes)
    checkpoints = {place: trained.load_any(*checkpoint.find(place)) for place in given.values()}
    if init_from in checkpoints:
        _require_same_parts(checkpoints[init_from], list(shapes))
    params = {}
    for part, place in given.items():
        source = checkpoints[place]
        if part != HEAD:
            _require_same_options(part, config=config, source=source)
        params[part] = _part_of(source, part, shapes[part])
        expected = {part: shapes[part]}
        weights.require_fit({part: params[part]}, expected, source=source.source)
    if {ENCODER, HEAD} <= given.keys():
        _require_partners(*(checkpoints[given[part]] for part in (HEAD, ENCODER)))
    return params


def _require_same_parts(source: Trained, parts: list[str]) -> None:
    """ValueError, if a checkpoint of other parts is given for a whole model."""
    if sorted(source.params) != parts:
        holds = "an encoder alone" if source.is_encoder else " and ".join(source.params)
        raise ValueError(
            f"{source.source} holds {holds}, and the model consists of {' and '.join(parts)}: say "
            "which part to start from, as in --config.train.init_from="
            f"{ENCODER if source.is_encoder else HEAD}={source.source}"
        )


def _require_partners(head: Trained, encoder: Trained) -> None:
    """ValueError if `head` was trained on features of another encoder than `encoder`."""
    if head.reads_features:
        alone = encoder.params if encoder.is_encoder else encoder.params[ENCODER]
        trained.join(head, encoder._replace(params=alone))


def _part_of(source: Trained, part: str, expected: Mapping[str, Any]) -> Any:
    """The parameters of `part` in a checkpoint; `expected` are their shapes in the new model."""
    if part in source.params and not source.is_encoder:
        return source.params[part]
    whole = source.params if source.is_encoder else source.params.get(ENCODER)
    if part == HEAD or whole is None:
        holds = "an encoder alone" if source.is_encoder else f"only {', '.join(source.params)}"
        raise ValueError(
            f"{source.source} has no {part}: it holds {holds}. Give another checkpoint for the "
            f"{part}, or leave it out of config.train.init_from"
        )
    # An encoder of one stream does not have the layers of the other one.
    return {module: whole[module] for module in whole if module in expected}


def _require_same_options(part: str, *, config: Config, source: Trained) -> None:
    """ValueError if the encoder of a checkpoint computes something else from its parameters."""
    ours = config.model.audio if part == "audio_encoder" else config.model.visual
    is_same_part = part in source.params and not source.is_encoder
    theirs = source.config.model
    theirs = theirs.audio if part == "audio_encoder" and is_same_part else theirs.visual
    module = lookup.load("models.encoders", ours.name)
    free = {"modality", *getattr(module, "WITHOUT_EFFECT_ON_FEATURES", ())}
    if not source.is_encoder:
        free -= {"length"}  # its head is trained for one
    # Encoders of different names have different fields.
    fields = ours if ours.name == theirs.name else ["name"]
    if differ := [x for x in fields if x not in free and ours[x] != theirs.get(x)]:
        section = f"config.model.{'audio' if part == 'audio_encoder' else 'visual'}"
        first = differ[0]
        raise ValueError(
            f"the {part} of {source.source} has {first}={theirs.get(first)!r}, but "
            f"{section}.{first} is {ours[first]!r}: its parameters would compute something else. "
            f"Set {' '.join(f'--{section}.{field}={theirs.get(field)}' for field in differ)}"
        )
