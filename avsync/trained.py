"""Trained models as their checkpoints hold them: whole models, heads of features, encoders alone.

A model is encoders plus head; extracted features are a cache of its encoders. So a head that was
trained on features and the encoder that extracted them are one whole model, which reads clips; and
a whole model reads features that its own encoder extracted.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

from avsync import checkpoint, lookup, scoring, weights
from avsync.config import Config, default, encoder, from_json, with_changes
from avsync.config.changes import PRECOMPUTED
from avsync.convert.base import Checkpoint, MetricNetwork
from avsync.names import shown, shown_text
from avsync.types import STREAMS, Extraction, FeatureOrigin

SHARED = "shared"  # the audio encoder of a model whose visual encoder gives both streams

# Frames that an encoder processes at once where clips and files are scored. On two cores, the
# ResNet of AV-HuBERT takes 4.4 CPU seconds for 750 frames in chunks of 64, 5.1 in chunks of 128 and
# 7.3 in chunks of 512.
SCORING_CHUNK_FRAMES = 64


class Trained(NamedTuple):
    """A config and its parameters, NumPy float32; messages call them by `source`, their folder."""

    config: Config
    params: Any
    source: Path

    @property
    def is_encoder(self) -> bool:
        """True for a frozen encoder as avsync-convert writes it, without a head."""
        return "head" not in self.params

    @property
    def reads_features(self) -> bool:
        """True for a head that reads extracted features."""
        return any(self.config.model[stream].name == PRECOMPUTED for stream in STREAMS)


def load(workdir: Path, step: int, *, encoder: Path | None = None) -> Trained:
    """The model of a checkpoint, joined with the encoder at `encoder` if that is given.

    `encoder` is WORKDIR or WORKDIR/checkpoints/STEP. ValueError if a checkpoint is damaged, an
    encoder alone, or does not fit the other.
    """
    model = load_any(workdir, step)
    if model.is_encoder:
        raise ValueError(
            f"{workdir} is an encoder without a head, which scores nothing by itself: give the "
            f"checkpoint of a head in its place, with --weights={workdir} (or --encoder={workdir} "
            "of avsync-convert join)"
        )
    return model if encoder is None else join(model, load_any(*checkpoint.find(encoder)))


def load_any(workdir: Path, step: int) -> Trained:
    """The config and the parameters of a checkpoint, be it of a model or of an encoder alone."""
    return Trained(read_config(workdir), checkpoint.load_params(workdir, step), workdir)


def read_config(workdir: Path) -> Config:
    """The config that the checkpoints of `workdir` were trained with.

    ValueError if it does not record the architecture: avsync 0.1 wrote such configs.
    """
    values = checkpoint.read_config(workdir)
    if isinstance(metric := values.get("metric"), str):
        raise ValueError(
            f"{workdir} holds a network that only computes a metric, not a model. Use it with "
            f"avsync-score --metric={shown(metric)} --checkpoint={workdir} VIDEO"
        )
    path = workdir / checkpoint.CONFIG
    config = from_json(values, path=str(path))
    try:
        scoring.require_rule(config.score.frame)
        scoring.require_pooling(config.score.pooling)
    except ValueError as error:
        raise ValueError(shown_text(f"{path}: {error}")) from error
    return config


def write(model: Trained, workdir: Path, *, calibration: dict[str, Any] | None = None) -> None:
    """Writes `model` as the checkpoint after 0 updates of a new `workdir`.

    ValueError if `workdir` has a checkpoint, or another config.
    """
    checkpoint.require_none(workdir)  # first: a list of differing fields would not help
    checkpoint.write_config(workdir, json.loads(model.config.to_json()))
    checkpoint.write_params(workdir, model.params)
    if calibration:
        checkpoint.write_calibration(workdir, 0, calibration)


def write_converted(converted: Checkpoint | MetricNetwork, workdir: Path) -> None:
    """Writes what `avsync.convert` made of a published file; ValueError as in `write`."""
    if isinstance(converted, Checkpoint):
        config = with_changes(default(), converted.config)
        write(Trained(config, converted.params, workdir), workdir)
    else:
        checkpoint.require_none(workdir)
        checkpoint.write_config(workdir, {"metric": converted.metric})
        checkpoint.write_params(workdir, converted.params)


def join(head: Trained, encoder: Trained) -> Trained:
    """The whole model of a head and the encoder of its features; it reads clips.

    Its rules, calibration and dtype are those of the head. ValueError if `head` reads no features,
    if `encoder` is no encoder of both streams, or if it is not the one that the head was trained
    with; a head that does not record its encoder is checked by its size alone.
    """
    if not head.reads_features:
        raise ValueError(
            f"{head.source} already reads clips, with encoders of its own: it takes no --weights "
            "and cannot be joined"
        )
    if not encoder.is_encoder or encoder.config.model.audio.name != SHARED:
        raise ValueError(
            f"{encoder.source} is not an encoder of both streams by itself, as avsync-convert "
            "avhubert writes it: convert the published weights (again), and give that folder"
        )
    _require_unit_length(encoder)
    origin = origin_of(encoder)
    embedding = int(encoder.config.model.visual.embedding)
    for stream in STREAMS:
        _require_same_encoder(
            head, stream, origin, channels=embedding, other=f"the encoder {encoder.source}"
        )
    sections = {stream: encoder.config.model[stream].to_dict() for stream in STREAMS}
    config = with_changes(head.config, {"model": sections})
    return Trained(config, {**head.params, "encoder": encoder.params}, head.source)


def for_clips(model: Trained) -> Trained:
    """`model`; ValueError if it reads features, which says how it becomes a whole model."""
    if not model.reads_features:
        return model
    known = recorded_origin(model.config)
    raise ValueError(
        f"{model.source} is a head for features of {known or 'an encoder that it does not record'}"
        "; to score clips or videos, give that encoder too, with --weights=ENCODER, or join both "
        "once with avsync-convert join. To score features, extract them with avsync-extract"
    )


def for_features(model: Trained, extraction: Extraction) -> Trained:
    """`model` as it reads features of this extraction: a head, or the head of a whole model.

    ValueError if the features are by another encoder, or of another size, than the model's, or of
    one stream alone.
    """
    others = f"these features of {extraction.encoder or 'an unknown encoder'}"
    if missing := [stream for stream in STREAMS if stream not in extraction.channels]:
        raise ValueError(
            f"{model.source} needs visual and audio features, but {others} have no "
            f"{' and no '.join(missing)} stream: extract both, with --streams=visual,audio"
        )
    if not model.reads_features:
        if model.config.model.audio.name != SHARED:
            names = " and ".join(repr(model.config.model[stream].name) for stream in STREAMS)
            raise ValueError(
                f"{model.source} reads clips, with the encoders {names}, and cannot read extracted "
                "features: evaluate it on the dataset that they were extracted from"
            )
        _require_unit_length(model)
        origin, channels = origin_of(model), int(model.config.model.visual.embedding)
        config = with_origin(model.config, origin, dict.fromkeys(STREAMS, channels))
        head = {name: value for name, value in model.params.items() if name != "encoder"}
        model = Trained(config, head, model.source)
    given = FeatureOrigin.parse(extraction.encoder)
    for stream in STREAMS:
        _require_same_encoder(
            model, stream, given, channels=extraction.channels[stream], other=others
        )
    return model


def in_chunks(config: Config) -> Config:
    """`config` with encoders that score in chunks of frames; the result is the same.

    Encoders without `chunk_frames`, or with a number of their own, stay as they are.
    """
    chunks = {
        f"model.{stream}.chunk_frames": SCORING_CHUNK_FRAMES
        for stream in STREAMS
        if config.model[stream].get("chunk_frames") == 0
    }
    return with_changes(config, chunks)


def origin_of(model: Trained) -> FeatureOrigin:
    """The origin of the features that the encoder of `model`, one of both streams, extracts."""
    options = model.config.model.visual
    module = lookup.load("models.encoders", options.name)
    if not hasattr(module, "feature_options"):
        raise ValueError(f"the encoder {options.name!r} extracts no features; use 'avhubert'")
    features = module.feature_options(options.to_dict())
    digest = weights.fingerprint(features, encoder_params(model))
    return FeatureOrigin(options.name, digest, model.config.model.dtype)


def encoder_params(model: Trained) -> Any:
    """The parameters of the encoder of both streams; ValueError if `model` has two encoders."""
    if model.is_encoder:
        return model.params
    if "encoder" not in model.params:
        raise ValueError(
            f"{model.source} has an encoder for each stream, and none that extracts the features "
            "of both: use the encoder that avsync-convert avhubert writes"
        )
    return model.params["encoder"]


def with_origin(config: Config, origin: FeatureOrigin, channels: dict[str, int]) -> Config:
    """`config` with precomputed encoders that record where their features come from."""
    sections = {
        stream: encoder(
            PRECOMPUTED,
            encoder=origin.encoder,
            fingerprint=origin.fingerprint,
            extracted_in=origin.dtype,
            channels=channels[stream],
        ).to_dict()
        for stream in STREAMS
    }
    return with_changes(config, {"model": sections})


def with_origin_of(config: Config, extraction: Extraction | None) -> Config:
    """`config` with the record of the features that it trains on; unchanged for clips.

    ValueError if it records other features already, as that of a resumed training does.
    """
    if extraction is None or any(config.model[stream].name != PRECOMPUTED for stream in STREAMS):
        return config
    head = Trained(config, {"head": {}}, Path("this config"))
    for_features(head, extraction)
    origin = FeatureOrigin.parse(extraction.encoder)
    channels = {stream: extraction.channels[stream] for stream in STREAMS}
    return with_origin(config, origin, channels)


def recorded_origin(config: Config) -> FeatureOrigin:
    """The origin of the features that a head was trained on; empty if it is unknown."""
    options = config.model.visual
    return FeatureOrigin(options.encoder, options.fingerprint, options.extracted_in)


def _require_unit_length(model: Trained) -> None:
    """ValueError if the encoder does not scale its features as `precomputed` does."""
    if model.config.model.visual.get("length") == "raw":
        raise ValueError(
            f"the encoder of {model.source} keeps the length of its features (length='raw'), and a "
            "head of extracted features reads them at unit length: the scores would differ"
        )


def unchecked(whole: Trained, *, head: Path) -> str:
    """A remark on the head in the workdir `head` that `join` cannot check; "" if it can."""
    if recorded_origin(read_config(head)).fingerprint:
        return ""
    used = origin_of(whole)
    return f"; the head does not record its encoder: only the sizes of {used} were compared"


def _require_same_encoder(
    head: Trained, stream: str, origin: FeatureOrigin, *, channels: int, other: str
) -> None:
    known = head.config.model[stream]
    for needed, ours, theirs in (
        ("of {} channels per frame", known.channels, channels),
        ("of the encoder {}", known.encoder, origin.encoder),
        ("of the encoder with the fingerprint {}", known.fingerprint, origin.fingerprint),
    ):
        # 0 or "" is unknown.
        if ours and theirs and ours != theirs:
            raise ValueError(
                f"{head.source} and {other} do not fit: the head needs {stream} features "
                f"{needed.format(ours)}, not {theirs}. Use the encoder that the head was trained "
                "with, or train a head on features of this one (avsync-extract)"
            )
