"""Reads a few clips of a split without reading those in between, for dataset cards."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

import numpy as np
import tensorflow_datasets as tfds

from avsync.records.clip_record import CROP_BYTES, as_png, parse_record
from avsync.records.shards import read_at
from avsync.types import Source
from avsync.units import FRAMES_PER_SECOND, SAMPLE_RATE, SAMPLES_PER_FRAME, SILENCE_LEVEL

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
    """The clips at ascending `indices` in the order on disk; imports no TensorFlow.

    ValueError for a dataset of features, which has neither sound nor mouth crops, and for a damaged
    file, which it names.
    """
    info = tfds.builder_from_directory(source.directory).info
    everything: Any = info.features
    fields = [*TEXTS, "label", "waveform", "frames", "media"]
    if missing := [name for name in fields if name not in everything]:
        raise ValueError(f"{source.dataset} has no field {missing[0]!r}: it does not hold clips")
    before, splits = 0, cast(Any, info.splits)
    for file in splits[source.split].file_instructions:
        wanted = (i - before for i in indices if before <= i < before + file.take)
        yield from map(_sample, read_at(file.filename, wanted))
        before += file.take


def _sample(record: bytes) -> ClipSample:
    clip = parse_record(record)
    waveform, frames = np.frombuffer(clip["waveform"][0], "<i2"), clip["frames"]
    if len(frames) == 1 and len(frames[0]) > CROP_BYTES:  # bare pixels
        pixels = frames[0]
        frames = [pixels[i : i + CROP_BYTES] for i in range(0, len(pixels), CROP_BYTES)]
    is_sound = np.append(np.abs(waveform.astype(np.int32)) > SILENCE_LEVEL, True)
    return ClipSample(
        **{name: clip[name][0].decode() for name in TEXTS},
        label=clip["label"][0],
        seconds=len(waveform) // SAMPLES_PER_FRAME / FRAMES_PER_SECOND,
        leading_silence_seconds=int(is_sound.argmax()) / SAMPLE_RATE,
        media=json.loads(clip["media"][0]),
        pictures=tuple(as_png(frames[int(p * len(frames))]) for p in CROP_POSITIONS),
    )
