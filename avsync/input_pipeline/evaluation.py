"""Reads every clip of a split once, whole, in the order on disk."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from avsync.input_pipeline.batching import EvalBatch, batched
from avsync.input_pipeline.records import (
    SINGLE_HOST,
    host_range,
    no_autograph,
    open_records,
    parsed_records,
)
from avsync.types import ALL_SILENT, OK, ClipInfo, Host, Source, WholeClip
from avsync.units import FRAMES_PER_SECOND

PREFETCH_CLIPS = 16  # clips decoded ahead

TEXTS = ("clip_id", "category", "manipulation", "identity", "source_clip")


def eval_batches(
    source: Source, *, batch_size: int, trim: str, host: Host = SINGLE_HOST
) -> Iterator[EvalBatch]:
    """This host's clips in batches of `batch_size` rows.

    The batches of all hosts, concatenated, are those of a single host: the results for a clip do
    not depend on the number of hosts.
    """
    clips = eval_range(source.num_clips, batch_size=batch_size, host=host)
    return batched(_read(source, clips, trim=trim), batch_size=batch_size)


def eval_range(num_clips: int, *, batch_size: int, host: Host) -> range:
    """The clips that this host evaluates; only the last batch of the split may be incomplete."""
    batches = host_range(-(-num_clips // batch_size), host)
    return range(batches.start * batch_size, min(batches.stop * batch_size, num_clips))


def whole_clips(source: Source, *, trim: str, host: Host = SINGLE_HOST) -> Iterator[WholeClip]:
    """This host's clips, trimmed by the rule called `trim`.

    A clip that trimming leaves without frames has the status "all_silent".
    """
    return _read(source, host_range(source.num_clips, host), trim=trim)


def _read(source: Source, clips: range, *, trim: str) -> Iterator[WholeClip]:
    records = open_records(source, trim=trim)

    @no_autograph
    def make_example(record: tf.Tensor) -> dict[str, Any]:
        clip = records.parse(record)
        span = records.trim(clip, tf.constant([0, 0]))
        visual, audio = records.load(clip, span, None, tf.constant([0, 0]))
        return {
            **{name: clip[name] for name in TEXTS},
            "attributes": clip["attributes"],
            "fake_segments": clip["fake_segments"],
            "label": clip["label"],
            "visual": visual,
            "audio": audio,
            "num_trimmed": span.first,
            "leading_seconds": records.leading_seconds(clip, span),
        }

    for row in parsed_records(source, clips, make_example, num_ahead=PREFETCH_CLIPS):
        yield WholeClip(info_of(row), row["visual"], row["audio"])


def info_of(row: dict[str, Any]) -> ClipInfo:
    """The annotations of a clip after trimming; `row` holds its fields as TFDS reads them."""
    num_frames = len(row["visual"])
    # Trimming moves the start of the clip, so forged segments move too.
    segments = np.asarray(row["fake_segments"], float) - row["num_trimmed"] / FRAMES_PER_SECOND
    segments = np.clip(segments, 0, num_frames / FRAMES_PER_SECOND)
    status, message = OK if num_frames else ALL_SILENT
    return ClipInfo(
        **{name: row[name].decode() for name in TEXTS},
        label=int(row["label"]),
        fake_segments=tuple((float(start), float(end)) for start, end in segments if start < end),
        attributes=json.loads(row["attributes"]),
        leading_silence_seconds=float(row["leading_seconds"]),
        num_frames=num_frames,
        status=status,
        message=message,
    )
