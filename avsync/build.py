"""Config to objects: the one place where a config is unpacked, shared by every binary.

Library code takes what it needs as arguments; it never sees a config. Its fields are
those of avsync.config.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from avsync import checkpoint, lookup, scoring, weights
from avsync.config import Config, default
from avsync.exporting.folder import write_folder
from avsync.features.extractor import EncoderBatch, FrozenEncoder
from avsync.models.aligner import Aligner, require_fit
from avsync.scoring.scorer import Scorer
from avsync.types import Batch, Extraction, Source
from avsync.units import INPUT_PIXELS, SAMPLES_PER_FRAME

PRECOMPUTED = "precomputed"  # of avsync.models.encoders

STREAMS = ("visual", "audio")

# Of a long clip, what the frozen encoder takes at once: its pictures need 1 MB a frame.
EXTRACTION_CHUNK_FRAMES = 512

DTYPES = {"float32": jnp.float32, "bfloat16": jnp.bfloat16}


def make_scorer(config: Config, params: Any, *, extraction: Extraction | None) -> Scorer:
    """The model of a config and its parameters, for clips or for features as extracted.

    ValueError lists the known names, or says why the model cannot read such input.
    """
    scoring.require_rule(config.score.frame)
    scoring.require_pooling(config.score.pooling)
    require_readable(config, extraction)
    model = make_model(config)
    inputs = inputs_like(extraction)
    require_fit(model, params, (inputs.visual, inputs.audio, inputs.valid))
    return Scorer(
        params=params,
        encode=apply_of(model, method="encode"),
        align=apply_of(model, method="align"),
        reach_frames=config.model.reach_frames,
        frame_score=config.score.frame,
        pooling=config.score.pooling,
    )


def load_scorer(
    workdir: Path, step: int, *, extraction: Extraction | None, pooling: str | None = None
) -> Scorer:
    """The model of a checkpoint; `pooling` is instead of that of its config. As `make_scorer`."""
    config = from_json(checkpoint.read_config(workdir))
    config.score.pooling = pooling or config.score.pooling
    return make_scorer(config, checkpoint.load_params(workdir, step), extraction=extraction)


def make_extractor(
    workdir: Path, *, encoder: str, streams: tuple[str, ...], dtype: str, trim: str
) -> FrozenEncoder:
    """The frozen encoder that a published file was converted to, with activations in `dtype`.

    ValueError if it is not the one called `encoder`, has no features to extract, or not these.
    """
    workdir, step = checkpoint.find(workdir)
    options = from_json(checkpoint.read_config(workdir)).model.visual
    if options.name != encoder:
        raise ValueError(f"{workdir} holds {options.name!r}, not {encoder!r}")
    module = lookup.load("models.encoders", encoder)
    if not hasattr(module.Encoder, "extract"):
        raise ValueError(f"{encoder!r} has no features to extract; 'avhubert' has")
    for stream in streams:
        lookup.require("stream", stream, list(module.STREAMS))
    params = checkpoint.load_params(workdir, step)
    digest = weights.fingerprint(options.to_dict(), params)
    with options.unlocked():
        options.chunk_frames = EXTRACTION_CHUNK_FRAMES
    model = _plug_in("models.encoders", "Encoder", options, dtype)

    def extract(params: Any, batch: EncoderBatch) -> Any:
        return model.apply({"params": params}, *batch, streams=streams, method="extract")

    extraction = Extraction(
        trim=trim,
        encoder=f"{encoder} {digest} in {dtype}",
        channels=dict.fromkeys(streams, int(options.embedding)),
    )
    return FrozenEncoder(extract, params, extraction)


def make_model(config: Config) -> Aligner:
    """The Aligner; ValueError lists the known names where one is unknown."""
    model = config.model
    lookup.require("dtype", model.dtype, sorted(DTYPES))
    return Aligner(
        visual_encoder=_plug_in("models.encoders", "Encoder", model.visual, model.dtype),
        audio_encoder=_plug_in("models.encoders", "Encoder", model.audio, model.dtype),
        head=_plug_in("models.heads", "Head", model.head, model.dtype),
        reach_frames=model.reach_frames,
        edges=model.edges,
    )


def init_params(model: Aligner, inputs: Batch, *, seed: int) -> Any:
    """Fresh parameters for such `inputs`, drawn from `seed`."""
    key = jax.random.key(seed)
    # Random numbers take LLVM long to optimise, ten seconds of a CPU, and are drawn once. Where
    # only shapes are asked for, nothing is compiled, and JAX takes no options.
    is_compiled = jax.default_backend() == "cpu" and not isinstance(key, Tracer)
    options = {"xla_backend_optimization_level": 0} if is_compiled else None
    init = jax.jit(model.init, compiler_options=options)
    return init(key, inputs.visual, inputs.audio, inputs.valid)["params"]


def inputs_like(extraction: Extraction | None = None) -> Batch:
    """One short clip of zeros; or features of it, as extracted."""
    # Shapes of parameters do not depend on the length of the clip.
    valid = np.ones((1, 4), bool)
    if extraction:
        visual, audio = (
            np.zeros((*valid.shape, extraction.channels[stream]), np.float32)
            for stream in ("visual", "audio")
        )
    else:
        visual = np.zeros((*valid.shape, INPUT_PIXELS, INPUT_PIXELS, 1), np.uint8)
        audio = np.zeros((1, valid.size * SAMPLES_PER_FRAME), np.int16)
    return Batch(visual, audio, valid, loss_mask=valid, label=np.zeros(1, np.int32))


def require_readable(config: Config, extraction: Extraction | None) -> None:
    """ValueError if a config's encoders expect features and are given clips, or the reverse."""
    for stream in ("visual", "audio"):
        name = config.model[stream].name
        if (name == PRECOMPUTED) != (extraction is not None):
            given = "features, extracted beforehand" if extraction else "clips"
            raise ValueError(
                f"the {stream} encoder {name!r} cannot read this dataset, which holds {given}; "
                f"{PRECOMPUTED!r} is the encoder of features, and of nothing else"
            )


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


def apply_of(model: Aligner, *, method: str | None = None) -> Callable[..., Any]:
    """(params, *inputs) -> what the model makes of them, or one of its methods."""

    def apply(params: Any, *inputs: Any) -> Any:
        return model.apply({"params": params}, *inputs, method=method)

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
        lookup.require(f"option of {options.name}", name, known)
    if "dtype" in known:
        fields.setdefault("dtype", DTYPES[dtype])
    return cls(**fields)


def make_export(
    workdir: Path, step: int, *, num_channels: int | None, weights_dtype: str
) -> Callable[[Path], Any]:
    """What writes the scorer of a checkpoint to a folder: `write_folder`, all else given.

    A model of precomputed features takes features of `num_channels` a frame, which no other model
    may be given. ValueError says so, or that the checkpoint does not fit.
    """
    given = checkpoint.read_config(workdir)
    config = with_clips_whole(from_json(given))
    channels = _channels(config, num_channels)
    extraction = Extraction("", "", channels) if channels else None
    params = checkpoint.load_params(workdir, step)
    return partial(
        write_folder,
        scorer=make_scorer(config, params, extraction=extraction),
        channels=channels,
        config=given,
        calibration=checkpoint.read_calibration(workdir, step),
        licences=licences(config),
        weights_dtype=weights_dtype,
    )


def with_clips_whole(config: Config) -> Config:
    """Encoders that take long clips piece by piece, to save memory, take them whole.

    The result is the same, but of a clip of any length there is no number of pieces.
    """
    for stream in STREAMS:
        if "chunk_frames" in config.model[stream]:
            config.model[stream].chunk_frames = 0
    return config


def _channels(config: Config, num_channels: int | None) -> dict[str, int] | None:
    takes_features = any(config.model[stream].name == PRECOMPUTED for stream in STREAMS)
    if takes_features and num_channels is None:
        raise ValueError(
            "this is a model of precomputed features, whose number of channels the checkpoint does "
            "not tell: give --feature_channels=N (AV-HuBERT large has 1024, base 768)"
        )
    if num_channels is not None and not takes_features:
        raise ValueError("--feature_channels is for models of features; this one takes clips")
    return dict.fromkeys(STREAMS, num_channels) if num_channels is not None else None


def licences(config: Config) -> list[str]:
    """What the encoders say of published weights that this checkpoint may hold."""
    modules = {lookup.load("models.encoders", config.model[stream].name) for stream in STREAMS}
    return sorted(module.LICENCE for module in modules if hasattr(module, "LICENCE"))
