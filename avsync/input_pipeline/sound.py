"""Reads clips without decoding their mouth crops: audits need the sound only, and take seconds."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from jaxtyping import Int16

from avsync.input_pipeline.records import no_autograph, parsed_records, realigner
from avsync.pp import silence
from avsync.types import Source
from avsync.units import SAMPLES_PER_FRAME

ORIGIN = ("clip_id", "identity", "source_clip")


class Origin(NamedTuple):
    """The provenance of a clip; unknown fields are ""."""

    clip_id: str
    identity: str
    source_clip: str


class SoundClip(NamedTuple):
    """A clip without mouth crops.

    num_trimmed_frames: video frames that the rule "leading" would cut.
    """

    origin: Origin
    label: int
    category: str
    manipulation: str
    waveform: Int16[np.ndarray, " s"]
    num_trimmed_frames: int
    media: Mapping[str, Any]


def read_sound(source: Source) -> Iterator[SoundClip]:
    """Every clip of the split, in the order on disk.

    ValueError for a dataset of features, which has no sound.
    """
    keep = silence.rule("leading")

    streams = ("frames", "waveform")
    realigned = realigner(source, streams=streams, audio_steps=SAMPLES_PER_FRAME)

    @no_autograph
    def add_trimming(clip: dict[str, Any]) -> dict[str, Any]:
        # The numbers of the frames are realigned in place of mouth crops.
        frames = tf.range(tf.shape(clip["waveform"])[0] // SAMPLES_PER_FRAME)
        clip = realigned(clip | {"frames": frames})
        return clip | {"first": keep(clip["waveform"], tf.constant([0, 0])).first}

    texts = ("category", "manipulation", "media")
    for clip in _records(source, ["label", "waveform", *texts], add_trimming):
        category, manipulation, media = (clip[name].decode() for name in texts)
        yield SoundClip(
            origin=_origin(clip),
            label=int(clip["label"]),
            category=category,
            manipulation=manipulation,
            waveform=clip["waveform"],
            num_trimmed_frames=int(clip["first"]),
            media=json.loads(media),
        )


def read_origins(source: Source) -> Iterator[Origin]:
    """The provenance of every clip of the split, in the order on disk."""
    return map(_origin, _records(source, [], lambda clip: clip))


def other_splits(source: Source) -> list[Source]:
    """The other splits of the same dataset."""
    splits = tfds.builder_from_directory(source.directory).info.splits
    return [
        source._replace(split=name, num_clips=split.num_examples, is_real_only=False)
        for name, split in splits.items()
        if name != source.split
    ]


def _records(source: Source, fields: list[str], change: Any) -> Iterator[dict[str, Any]]:
    info = tfds.builder_from_directory(source.directory).info
    everything: Any = info.features
    if missing := [name for name in fields if name not in everything]:
        raise ValueError(
            f"{source.dataset} has no field {missing[0]!r}: it holds features, or was prepared by "
            "another version. Choose the dataset of clips, or prepare it again."
        )
    # Parsing skips the mouth crops; they are still read from disk with their record.
    wanted = tfds.decode.PartialDecoding(dict.fromkeys([*ORIGIN, *fields], True))
    features: Any = wanted.extract_features(everything)
    return parsed_records(
        source,
        range(source.num_clips),
        no_autograph(lambda record: change(features.deserialize_example(record))),
    )


def _origin(clip: Mapping[str, Any]) -> Origin:
    return Origin(*[clip[name].decode() for name in ORIGIN])
