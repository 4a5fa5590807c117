"""Config to objects, for all binaries: the one place where a config is unpacked.

Library code takes what it needs as arguments and never sees a config.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from avsync import checkpoint, lookup, scoring, trained, weights
from avsync.config import Config, require_known, with_changes
from avsync.config.changes import PRECOMPUTED
from avsync.config.fields import ENCODERS, HEADS, PlugIns
from avsync.features.extractor import EncoderBatch, FrozenEncoder
from avsync.models.aligner import Aligner
from avsync.scoring.scorer import Scorer
from avsync.trained import SHARED, Trained
from avsync.types import STREAMS, Batch, Extraction, Source
from avsync.units import INPUT_PIXELS, SAMPLES_PER_FRAME

# Frames that the frozen encoder processes at once: its images need 1 MB per frame.
EXTRACTION_CHUNK_FRAMES = 512

DTYPES = {"float32": jnp.float32, "bfloat16": jnp.bfloat16}


def make_scorer(
    config: Config,
    params: Any,
    *,
    extraction: Extraction | None,
    source: object = "the parameters",
) -> Scorer:
    """The scorer of a config and its parameters, for clips or for extracted features.

    ValueError if the model cannot read such input, or if the names or shapes of `params` are not
    those of the model; the message calls `params` by `source`.
    """
    scoring.require_rule(config.score.frame)
    scoring.require_pooling(config.score.pooling)
    require_readable(config, extraction)
    model = make_model(config)
    try:
        expected = jax.eval_shape(lambda: init_params(model, inputs_like(extraction), seed=0))
    # Sizes that do not fit each other raise errors of many types in Flax and JAX.
    except Exception as error:
        reason = (str(error) or type(error).__name__).partition("\n")[0]
        raise ValueError(f"{source} has a config that makes no model: {reason}") from error
    weights.require_fit(params, expected, source=source)
    return Scorer(
        params=params,
        encode=make_apply(model, method="encode"),
        align=make_apply(model, method="align"),
        reach_frames=config.model.reach_frames,
        frame_score=config.score.frame,
        pooling=config.score.pooling,
        context=model.context,
    )


def load_scorer(
    workdir: Path,
    step: int,
    *,
    extraction: Extraction | None,
    encoder: Path | None = None,
    dtype: str | None = None,
    pooling: str | None = None,
) -> Scorer:
    """The scorer of a checkpoint, for clips or for features of this extraction.

    `encoder` is the checkpoint of the encoder that a head of features needs to read clips.
    `dtype` and `pooling` replace those of the config. ValueError as for `trained.load`, or if the
    model reads other input.
    """
    model = trained.load(workdir, step, encoder=encoder)
    return scorer_of(model, extraction, dtype=dtype, pooling=pooling)


def load_others(
    places: Mapping[str, str],
    *,
    extraction: Extraction | None,
    encoder: Path | None,
    dtype: str | None,
) -> dict[str, Scorer]:
    """The scorers of more checkpoints by name; `encoder` is for those that need one."""
    scorers = {}
    for name, place in places.items():
        model = trained.load(*checkpoint.find(place))
        if model.reads_features and encoder:
            model = trained.join(model, trained.load_any(*checkpoint.find(encoder)))
        scorers[name] = scorer_of(model, extraction, dtype=dtype)
    return scorers


def scorer_of(
    model: Trained,
    extraction: Extraction | None,
    *,
    dtype: str | None = None,
    pooling: str | None = None,
) -> Scorer:
    """The scorer of a trained model, see `load_scorer`; its parameters are those for inference."""
    if extraction is None:
        model = trained.for_clips(model)
    else:
        model = trained.for_features(model, extraction)
    changes = {"model.dtype": dtype or model.config.model.dtype}
    changes["score.pooling"] = pooling or model.config.score.pooling
    config = trained.in_chunks(with_changes(model.config, changes))
    scorer = make_scorer(config, model.params, extraction=extraction, source=model.source)
    return scorer._replace(
        params=make_model(config).inference_params(model.params),
        fingerprint=weights.fingerprint({}, model.params),
    )


def make_extractor(
    workdir: Path, *, encoder: str, streams: tuple[str, ...], dtype: str, trim: str
) -> FrozenEncoder:
    """The frozen encoder in the checkpoint at `workdir`, with activations in `dtype`.

    ValueError if the checkpoint holds another encoder than `encoder`, or one that does not extract
    `streams`.
    """
    loaded = trained.load_any(*checkpoint.find(workdir))
    options = loaded.config.model.visual
    if options.name != encoder:
        raise ValueError(f"{workdir} holds {options.name!r}, not {encoder!r}")
    origin = trained.origin_of(loaded)._replace(dtype=dtype)
    params = trained.encoder_params(loaded)
    known_streams = list(lookup.load("models.encoders", encoder).STREAMS)
    for stream in streams:
        lookup.require("stream", stream, known_streams)
    with options.unlocked():
        options.chunk_frames = EXTRACTION_CHUNK_FRAMES
    model = _plug_in(ENCODERS, options, dtype)
    weights.require_fit(params, _extractor_params_like(model), source=workdir)

    def extract(params: Any, batch: EncoderBatch) -> Any:
        return model.apply({"params": params}, *batch, streams=streams, method="extract")

    extraction = Extraction(
        trim=trim,
        encoder=str(origin),
        channels=dict.fromkeys(streams, int(options.embedding)),
    )
    return FrozenEncoder(extract, model.inference_params(params), extraction)


def _extractor_params_like(model: Any) -> Any:
    """Shapes of the parameters of an encoder that extracts features of both modalities."""
    clip = inputs_like()
    inputs = (clip.visual, clip.audio.astype(np.float32), np.full(1, clip.audio.size), clip.valid)
    init = partial(model.init, streams=("multimodal",), method="extract")
    return jax.eval_shape(init, jax.random.key(0), *inputs)["params"]


def make_model(config: Config) -> Aligner:
    """The model of a config; ValueError names an unknown plug-in, field or dtype."""
    require_known(config)
    model = config.model
    lookup.require("dtype", model.dtype, sorted(DTYPES))
    visual = _plug_in(ENCODERS, model.visual, model.dtype)
    if model.audio.name == SHARED:
        if not hasattr(visual, "streams"):
            raise ValueError(
                f"the visual encoder {model.visual.name!r} does not give the embeddings of the "
                "sound: choose an audio encoder of its own instead of 'shared', or 'avhubert'"
            )
        encoders = {"encoder": visual}
    else:
        audio = _plug_in(ENCODERS, model.audio, model.dtype)
        encoders = {"visual_encoder": visual, "audio_encoder": audio}
    head = _plug_in(HEADS, model.head, model.dtype)
    return Aligner(head, **encoders, reach_frames=model.reach_frames, edges=model.edges)


def init_params(model: Aligner, inputs: Batch, *, seed: int) -> Any:
    """Random initial parameters for inputs of the shapes of `inputs`."""
    key = jax.random.key(seed)
    # LLVM takes ten CPU seconds to optimise the random number generation, which runs only once.
    # Within jax.eval_shape nothing is compiled, and JAX accepts no compiler options.
    is_compiled = jax.default_backend() == "cpu" and not isinstance(key, Tracer)
    options = {"xla_backend_optimization_level": 0} if is_compiled else None
    init = jax.jit(model.init, compiler_options=options)
    return init(key, inputs.visual, inputs.audio, inputs.valid)["params"]


def inputs_like(extraction: Extraction | None = None) -> Batch:
    """One short clip of zeros, or of zero features if the dataset holds extracted features."""
    # The shapes of parameters do not depend on the length of the clip.
    valid = np.ones((1, 4), bool)
    if extraction:
        visual, audio = (
            np.zeros((*valid.shape, extraction.channels[stream]), np.float32) for stream in STREAMS
        )
    else:
        visual = np.zeros((*valid.shape, INPUT_PIXELS, INPUT_PIXELS, 1), np.uint8)
        audio = np.zeros((1, valid.size * SAMPLES_PER_FRAME), np.int16)
    return Batch(visual, audio, valid, loss_mask=valid, label=np.zeros(1, np.int32))


def require_readable(config: Config, extraction: Extraction | None) -> None:
    """ValueError if the encoders of a config need extracted features and get clips, or vice versa.

    `extraction` is None for a dataset of clips.
    """
    for stream in STREAMS:
        name = config.model[stream].name
        if (name == PRECOMPUTED) != (extraction is not None):
            content = "extracted features" if extraction else "clips"
            raise ValueError(
                f"the {stream} encoder {name!r} cannot read this dataset of {content}: "
                f"{PRECOMPUTED!r} reads extracted features, all other encoders read clips"
            )


def require_real_only(source: Source) -> Source:
    """`source`, if its dataset declares the split real only; ValueError otherwise."""
    if not source.is_real_only:
        raise ValueError(
            f"{source.dataset}/{source.split} may hold fakes: the alignment loss trains on real "
            "clips only. Choose a split that the dataset declares real only."
        )
    return source


def make_apply(model: Aligner, *, method: str | None = None) -> Callable[..., Any]:
    """The function (params, *inputs) of the model, or of its method called `method`."""

    def apply(params: Any, *inputs: Any) -> Any:
        return model.apply({"params": params}, *inputs, method=method)

    return apply


def _plug_in(plug_ins: PlugIns, options: Config, dtype: str) -> Any:
    """The Flax module of a plug-in's section."""
    cls = getattr(lookup.load(plug_ins.package, options.name), plug_ins.class_name)
    fields = {name: value for name, value in options.items() if name != "name"}
    # A module without activations of its own has no dtype.
    if "dtype" in cls.__dataclass_fields__:
        fields["dtype"] = DTYPES[dtype]
    return cls(**fields)
