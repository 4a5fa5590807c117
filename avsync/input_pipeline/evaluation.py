"""Every clip of a split once, whole, in the order on disk; and whole clips to batches."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from avsync.input_pipeline.batching import EvalBatch, batched
from avsync.input_pipeline.records import as_written, open_records, read_file, rows_of, share
from avsync.input_pipeline.training import ALONE
from avsync.types import ClipInfo, Host, Source, WholeClip
from avsync.units import FRAMES_PER_SECOND

# Clips that are decoded ahead of the one that is taken.
PREFETCH_CLIPS = 16


def eval_batches(
    source: Source, *, batch_size: int, trim: str, host: Host = ALONE
) -> Iterator[EvalBatch]:
    """The clips of this host's share in batches of `batch_size` rows.

    Those of all hosts, one host after the other, are the batches that one host alone would read:
    what is computed of a clip does not depend on how many share the work.
    """
    clips = eval_share(source.num_clips, batch_size=batch_size, host=host)
    return batched(_read(source, clips, trim=trim), batch_size=batch_size)


def eval_share(num_clips: int, *, batch_size: int, host: Host) -> range:
    """The clips that this host evaluates: whole batches of them, but for the last of all."""
    batches = share(-(-num_clips // batch_size), host)
    return range(batches.start * batch_size, min(batches.stop * batch_size, num_clips))


def whole_clips(source: Source, *, trim: str, host: Host = ALONE) -> Iterator[WholeClip]:
    """Every clip of this host's share, trimmed by the rule called `trim`.

    A clip with nothing left after trimming has no frame and status "all_silent".
    """
    return _read(source, share(source.num_clips, host), trim=trim)


def _read(source: Source, clips: range, *, trim: str) -> Iterator[WholeClip]:
    files = rows_of(source, clips)
    records = open_records(source, trim=trim)

    @as_written
    def make_example(record: tf.Tensor) -> dict[str, Any]:
        clip = records.parse(record)
        kept = records.keep(clip, tf.constant([0, 0]))
        visual, audio = records.load(clip, kept, None, tf.constant([0, 0]))
        return {
            **{name: clip[name] for name in TEXTS},
            "attributes": clip["attributes"],
            "fake_segments": clip["fake_segments"],
            "label": clip["label"],
            "visual": visual,
            "audio": audio,
            "num_cut": kept.first,
            "leading_seconds": records.leading_seconds(clip, kept),
        }

    if not files:
        return
    dataset = (
        tf.data.Dataset.from_tensor_slices(tf.constant(files))
        .flat_map(read_file)
        .map(make_example, num_parallel_calls=tf.data.AUTOTUNE)
        .prefetch(PREFETCH_CLIPS)
    )
    rows: Any = dataset.as_numpy_iterator()
    for row in rows:
        yield WholeClip(_info(row), row["visual"], row["audio"])


TEXTS = ("clip_id", "category", "manipulation", "identity", "source_clip")


def _info(row: dict[str, Any]) -> ClipInfo:
    num_frames = len(row["visual"])
    # Trimming moves the start of the clip, and what is forged in it with it.
    moved = np.asarray(row["fake_segments"], float) - row["num_cut"] / FRAMES_PER_SECOND
    moved = np.clip(moved, 0, num_frames / FRAMES_PER_SECOND)
    is_silent = num_frames == 0
    return ClipInfo(
        **{name: row[name].decode() for name in TEXTS},
        label=int(row["label"]),
        fake_segments=tuple((float(start), float(end)) for start, end in moved if start < end),
        attributes=json.loads(row["attributes"]),
        leading_silence_seconds=float(row["leading_seconds"]),
        num_frames=num_frames,
        status="all_silent" if is_silent else "ok",
        message="no sound is left once silence is trimmed" if is_silent else "",
    )
