"""Config to objects: the one place where a config is unpacked, shared by every binary.

Library code takes what it needs as arguments; it never sees a config. Its fields are
those of avsync.config.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from avsync import lookup, optim, scoring
from avsync.config import Config, default
from avsync.datasets.base import open_source
from avsync.models.aligner import Aligner
from avsync.optim import Optimiser
from avsync.pp import silence
from avsync.pp.augment import INPUT_PIXELS, Augmentation
from avsync.train.loop import Schedule, Training
from avsync.types import Source
from avsync.units import SAMPLES_PER_FRAME

DTYPES = {"float32": jnp.float32, "bfloat16": jnp.bfloat16}


class Scorer(NamedTuple):
    """What evaluation needs of a model: `apply(params, visual, audio, valid)`, and the names of
    the rules that turn offset_logits to scores."""

    apply: Callable[..., jax.Array]
    frame_score: str
    pooling: str


def make_training(config: Config) -> Training:
    """All that `avsync.train.loop.train` needs; ValueError names a value that is not possible."""
    data, train = config.data, config.train
    source = open_source(data.dataset, data.train_split, data_dir=data.data_dir)
    model = make_model(config)
    silence.rule(data.trim)  # refused here, not by the first batch
    return Training(
        source=require_real_only(source),
        val_source=require_real_only(
            open_source(data.dataset, data.val_split, data_dir=data.data_dir)
        ),
        apply=_apply(model),
        init=lambda: init_params(model, seed=config.seed),
        optimiser=make_optimiser(config),
        seed=config.seed,
        batch_size=data.batch_size,
        window_frames=data.window_frames,
        trim=data.trim,
        amount=Augmentation(**data.augmentation),
        schedule=Schedule(train.num_steps, train.log_every, train.checkpoint_every),
    )


def make_scorer(config: Config) -> Scorer:
    """The model of a config, ready to be given parameters; ValueError lists the known names."""
    scoring.require_known(frame_score=config.score.frame, pooling=config.score.pooling)
    model = make_model(config)
    return Scorer(
        apply=_apply(model),
        frame_score=config.score.frame,
        pooling=config.score.pooling,
    )


def make_model(config: Config) -> Aligner:
    """The Aligner; ValueError lists the known names where one is unknown."""
    model = config.model
    if model.dtype not in DTYPES:
        raise ValueError(lookup.unknown("dtype", model.dtype, sorted(DTYPES)))
    return Aligner(
        visual_encoder=_plug_in("models.encoders", "Encoder", model.visual, model.dtype),
        audio_encoder=_plug_in("models.encoders", "Encoder", model.audio, model.dtype),
        head=_plug_in("models.heads", "Head", model.head, model.dtype),
        reach_frames=model.reach_frames,
        edges=model.edges,
    )


def make_optimiser(config: Config) -> Optimiser:
    """The optimiser of config.optim, with its schedule."""
    options = config.optim
    schedule = optim.make_schedule(
        options.schedule,
        peak=options.learning_rate,
        num_steps=config.train.num_steps,
        warmup_steps=options.warmup_steps,
    )
    return optim.make_optimiser(
        options.name,
        schedule=schedule,
        weight_decay=options.weight_decay,
        max_gradient_norm=options.max_gradient_norm,
    )


def init_params(model: Aligner, *, seed: int) -> Any:
    """Fresh parameters, drawn from `seed`."""
    # Shapes of parameters do not depend on the length of the clip.
    time = 4
    visual = np.zeros((1, time, INPUT_PIXELS, INPUT_PIXELS, 1), np.uint8)
    audio = np.zeros((1, time * SAMPLES_PER_FRAME), np.int16)
    return jax.jit(model.init)(jax.random.key(seed), visual, audio, np.ones((1, time), bool))[
        "params"
    ]


def require_real_only(source: Source) -> Source:
    """`source`, if its builder promises that no fake is in it; ValueError otherwise."""
    if not source.is_real_only:
        raise ValueError(
            f"{source.dataset}/{source.split} may hold fakes: the alignment loss trains on real "
            "clips only. Choose a split that the dataset lists as real only."
        )
    return source


def from_json(values: dict[str, Any]) -> Config:
    """The config that a checkpoint was trained with; fields it does not know keep their default."""
    config = default()
    with config.unlocked():
        config.update(values)
    return config


def _apply(model: Aligner) -> Callable[..., jax.Array]:
    def apply(params: Any, visual: Any, audio: Any, valid: Any) -> Any:
        return model.apply({"params": params}, visual, audio, valid)

    return apply


def _plug_in(package: str, attribute: str, options: Config, dtype: str) -> Any:
    fields = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in options.items()
        if name != "name"
    }
    cls = getattr(lookup.load(package, options.name), attribute)
    known = [name for name in cls.__dataclass_fields__ if name not in ("parent", "name")]
    for name in fields:
        if name not in known:
            raise ValueError(lookup.unknown(f"option of {options.name}", name, known))
    if "dtype" in known:
        fields.setdefault("dtype", DTYPES[dtype])
    return cls(**fields)
