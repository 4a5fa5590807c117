"""Reads a few clips of a split without reading those in between, for dataset cards."""

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from avsync.input_pipeline.damage import read_rows
from avsync.pp import silence
from avsync.types import Source
from avsync.units import FRAMES_PER_SECOND, SAMPLE_RATE, SAMPLES_PER_FRAME

# A TFRecord file holds for each record: length, checksum of the length, record, its checksum.
LENGTH, LENGTH_CHECKSUM_BYTES, CHECKSUM_BYTES = struct.Struct("<Q"), 4, 4

# The sampled mouth crops of a clip, as fractions of its length.
CROP_POSITIONS = (0.1, 0.5, 0.9)

TEXTS = ("clip_id", "identity", "category", "manipulation")


class ClipSample(NamedTuple):
    """A clip without its sound, with a few of its mouth crops.

    `pictures` are PNG files of 96 x 96 mouth crops at CROP_POSITIONS; `media` is `Clip.media`.
    """

    clip_id: str
    identity: str
    category: str
    manipulation: str
    label: int
    seconds: float
    leading_silence_seconds: float
    media: Mapping[str, Any]
    pictures: tuple[bytes, ...]


def draw_indices(num_clips: int, *, max_clips: int, seed: int) -> list[int]:
    """At most `max_clips` indices of clips, drawn at random, in ascending order.

    Every n-th clip would be biased: in many datasets fakes follow their real clip periodically.
    """
    drawn = np.random.default_rng(seed).permutation(num_clips)[:max_clips]
    return sorted(drawn.tolist())


def read_samples(source: Source, indices: Sequence[int]) -> Iterator[ClipSample]:
    """The clips at ascending `indices` in the order on disk.

    ValueError for a dataset of features, which has neither sound nor mouth crops.
    """
    info = tfds.builder_from_directory(source.directory).info
    everything: Any = info.features
    fields = [*TEXTS, "label", "waveform", "frames", "media"]
    if missing := [name for name in fields if name not in everything]:
        raise ValueError(f"{source.dataset} has no field {missing[0]!r}: it does not hold clips")
    wanted = tfds.decode.PartialDecoding(dict.fromkeys(fields, True))
    features: Any = wanted.extract_features(everything)

    def parse(record: tf.Tensor) -> dict[str, tf.Tensor]:
        clip = features.deserialize_example(record, decoders={"frames": tfds.decode.SkipDecoding()})
        waveform, frames = clip.pop("waveform"), clip.pop("frames")
        num_frames = tf.cast(tf.shape(frames)[0], tf.float32)
        positions = tf.cast(tf.constant(CROP_POSITIONS) * num_frames, tf.int32)
        return clip | {
            "num_frames": tf.size(waveform) // SAMPLES_PER_FRAME,
            "silent_samples": silence.leading_samples(waveform),
            "pictures": tf.gather(frames, positions),
        }

    splits: Any = info.splits
    files = [(item.filename, item.take) for item in splits[source.split].file_instructions]
    dataset: Any = tf.data.Dataset.from_generator(
        lambda: _read_at(files, indices), output_signature=tf.TensorSpec([], tf.string)
    )
    dataset = dataset.map(parse, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
    for clip in read_rows(dataset, source):
        yield ClipSample(
            **{name: clip[name].decode() for name in TEXTS},
            label=int(clip["label"]),
            seconds=int(clip["num_frames"]) / FRAMES_PER_SECOND,
            leading_silence_seconds=int(clip["silent_samples"]) / SAMPLE_RATE,
            media=json.loads(clip["media"]),
            pictures=tuple(clip["pictures"].tolist()),
        )


def _read_at(files: Sequence[tuple[str, int]], indices: Sequence[int]) -> Iterator[bytes]:
    """The records at ascending `indices`; of all other records only the lengths are read."""
    remaining = iter(indices)
    wanted, before = next(remaining, None), 0
    for path, num_records in files:
        if wanted is None or wanted >= before + num_records:
            before += num_records
            continue
        # Unbuffered: a buffer would read some of the 0.4 MB between two lengths.
        with open(path, "rb", buffering=0) as file:
            start = 0
            for index in range(before, before + num_records):
                file.seek(start)
                (length,) = LENGTH.unpack(file.read(LENGTH.size))
                start += LENGTH.size + LENGTH_CHECKSUM_BYTES
                if index == wanted:
                    file.seek(start)
                    yield file.read(length)
                    wanted = next(remaining, None)
                start += length + CHECKSUM_BYTES
        before += num_records
