"""A few clips out of many, found without reading those in between."""

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from avsync.pp import silence
from avsync.types import Source
from avsync.units import FRAMES_PER_SECOND, SAMPLE_RATE, SAMPLES_PER_FRAME

# Of a TFRecord file: the length of a record and a checksum of it, the record, a checksum of that.
LENGTH, LENGTH_CHECKSUM_BYTES, CHECKSUM_BYTES = struct.Struct("<Q"), 4, 4

# Of the pictures of a clip: at its beginning, middle and end.
PICTURE_PLACES = (0.1, 0.5, 0.9)

TEXTS = ("clip_id", "identity", "category", "manipulation")


class Glimpse(NamedTuple):
    """A clip without its sound, and with a few of its pictures.

    `pictures` are PNG files of 96 x 96 mouth crops, at PICTURE_PLACES; `media` is `Clip.media`.
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


def draw_numbers(num_clips: int, *, max_clips: int, seed: int) -> list[int]:
    """Numbers of at most so many of the clips, drawn at random, in ascending order.

    Not every n-th: the fakes of many datasets follow their real one in a regular order.
    """
    drawn = np.random.default_rng(seed).permutation(num_clips)[:max_clips]
    return sorted(drawn.tolist())


def read_glimpses(source: Source, numbers: Sequence[int]) -> Iterator[Glimpse]:
    """The clips of these numbers in the order on disk, which are to be ascending.

    ValueError for a dataset of features: there is neither sound nor picture in it.
    """
    info = tfds.builder_from_directory(source.directory).info
    everything: Any = info.features
    fields = [*TEXTS, "label", "waveform", "frames", "media"]
    if missing := [name for name in fields if name not in everything]:
        raise ValueError(f"{source.dataset} has no {missing[0]}: it does not hold clips")
    wanted = tfds.decode.PartialDecoding(dict.fromkeys(fields, True))
    features: Any = wanted.extract_features(everything)

    def look(record: tf.Tensor) -> dict[str, tf.Tensor]:
        clip = features.deserialize_example(record, decoders={"frames": tfds.decode.SkipDecoding()})
        waveform, frames = clip.pop("waveform"), clip.pop("frames")
        num_frames = tf.cast(tf.shape(frames)[0], tf.float32)
        places = tf.cast(tf.constant(PICTURE_PLACES) * num_frames, tf.int32)
        return clip | {
            "num_frames": tf.size(waveform) // SAMPLES_PER_FRAME,
            "silent_samples": silence.leading_samples(waveform),
            "pictures": tf.gather(frames, places),
        }

    splits: Any = info.splits
    files = [(item.filename, item.take) for item in splits[source.split].file_instructions]
    dataset: Any = tf.data.Dataset.from_generator(
        lambda: _read_records(files, numbers), output_signature=tf.TensorSpec([], tf.string)
    )
    dataset = dataset.map(look, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
    for clip in dataset.as_numpy_iterator():
        yield Glimpse(
            **{name: clip[name].decode() for name in TEXTS},
            label=int(clip["label"]),
            seconds=int(clip["num_frames"]) / FRAMES_PER_SECOND,
            leading_silence_seconds=int(clip["silent_samples"]) / SAMPLE_RATE,
            media=json.loads(clip["media"]),
            pictures=tuple(clip["pictures"].tolist()),
        )


def _read_records(files: Sequence[tuple[str, int]], numbers: Sequence[int]) -> Iterator[bytes]:
    """The records of these numbers; of the others only the lengths are read."""
    wanted = iter(numbers)
    number, before = next(wanted, None), 0
    for path, num_records in files:
        if number is None or number >= before + num_records:
            before += num_records
            continue
        # Unbuffered: between two lengths lie some 0.4 MB, which are not to be read.
        with open(path, "rb", buffering=0) as file:
            start = 0
            for index in range(before, before + num_records):
                file.seek(start)
                (length,) = LENGTH.unpack(file.read(LENGTH.size))
                start += LENGTH.size + LENGTH_CHECKSUM_BYTES
                if index == number:
                    file.seek(start)
                    yield file.read(length)
                    number = next(wanted, None)
                start += length + CHECKSUM_BYTES
        before += num_records
