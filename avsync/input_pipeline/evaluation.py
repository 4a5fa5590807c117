"""Every clip of a split once, whole, in the order on disk; and whole clips to batches."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from avsync.input_pipeline.records import as_written, open_records, read_file, rows_of, share
from avsync.input_pipeline.training import ALONE
from avsync.types import Batch, ClipInfo, Host, Source, WholeClip
from avsync.units import FRAMES_PER_SECOND, SAMPLES_PER_FRAME

# Evaluated clips are padded to a multiple of this many frames: a handful of shapes to compile for.
BUCKET_FRAMES = 25

# Clips that are decoded ahead of the one that is taken.
PREFETCH_CLIPS = 16


class EvalBatch(NamedTuple):
    """A batch for the device and what is known of its clips; rows beyond `infos` are padding."""

    batch: Batch
    infos: list[ClipInfo]


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


def batched(clips: Iterable[WholeClip], *, batch_size: int) -> Iterator[EvalBatch]:
    """The clips in their order, `batch_size` rows at a time.

    Padded behind, to `batch_size` rows and to a common number of frames, a multiple of
    BUCKET_FRAMES.
    """
    rows: list[WholeClip] = []
    for clip in clips:
        rows.append(clip)
        if len(rows) == batch_size:
            yield padded(rows, num_rows=batch_size)
            rows = []
    if rows:
        yield padded(rows, num_rows=batch_size)


def padded(clips: list[WholeClip], *, num_rows: int, num_frames: int | None = None) -> EvalBatch:
    """`clips` as one batch of `num_rows` rows and `num_frames` frames.

    By default these are as many as the longest clip has, up to a multiple of BUCKET_FRAMES.
    """
    if num_frames is None:
        longest = max(clip.info.num_frames for clip in clips)
        num_frames = max(1, -(-longest // BUCKET_FRAMES)) * BUCKET_FRAMES
    # A clip that could not be read has neither picture nor sound; one that could sets the shapes.
    like = next((clip for clip in clips if clip.info.num_frames), clips[0])
    steps = SAMPLES_PER_FRAME if like.audio.ndim == 1 else 1
    valid = np.zeros((num_rows, num_frames), bool)
    visual = np.zeros((*valid.shape, *like.visual.shape[1:]), like.visual.dtype)
    audio = np.zeros((num_rows, num_frames * steps, *like.audio.shape[1:]), like.audio.dtype)
    label = np.zeros(num_rows, np.int32)
    for i, clip in enumerate(clips):
        n = clip.info.num_frames
        visual[i, :n], audio[i, : n * steps], valid[i, :n] = clip.visual[:n], clip.audio, True
        label[i] = clip.info.label
    batch = Batch(visual, audio, valid, loss_mask=valid, label=label)
    return EvalBatch(batch, [clip.info for clip in clips])


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
