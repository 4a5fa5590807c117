"""Reads what the gates need of a split: labels, file measurements and digests of its clips."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import tensorflow_datasets as tfds

from avsync.input_pipeline.records import crops_as_stored, parsed_records
from avsync.types import Source

DIGEST_BYTES = 16


class ClipFacts(NamedTuple):
    """A clip without its streams. `media` is `Clip.media`, or {} in a dataset of features."""

    clip_id: str
    label: int
    media: Mapping[str, Any]


def read_facts(source: Source) -> Iterator[ClipFacts]:
    """Every clip of the split, in the order on disk."""
    for record in _read(source, ["label", "media"]):
        media = json.loads(record["media"]) if "media" in record else {}
        yield ClipFacts(record["clip_id"].decode(), int(record["label"]), media)


def read_digests(source: Source) -> Iterator[tuple[str, bytes]]:
    """Id and BLAKE2b digest of every clip, in the order on disk.

    The digest covers the stored bytes of both streams. Equal pixels and samples have equal bytes,
    since all clips of a dataset are encoded in the same way.
    """
    for record in _read(source, ["frames", "waveform", "visual", "audio"]):
        digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
        for name in sorted(record.keys() - {"clip_id"}):
            stream = record[name]
            # Encoded frames are objects; hashing their lengths too keeps frame boundaries apart.
            pieces = stream if stream.dtype == object else [stream.tobytes()]
            digest.update(json.dumps([name, *map(len, pieces)]).encode())
            for piece in pieces:
                digest.update(piece)
        yield record["clip_id"].decode(), digest.digest()


def _read(source: Source, fields: list[str]) -> Iterator[dict[str, Any]]:
    """The id and those of `fields` that the records have; mouth crops stay encoded."""
    everything: Any = tfds.builder_from_directory(source.directory).info.features
    names = ["clip_id", *[name for name in fields if name in everything]]
    wanted = tfds.decode.PartialDecoding(dict.fromkeys(names, True))
    features: Any = wanted.extract_features(everything)
    decoders = crops_as_stored(features) if "frames" in names else None
    return parsed_records(
        source,
        range(source.num_clips),
        lambda record: features.deserialize_example(record, decoders=decoders),
    )
