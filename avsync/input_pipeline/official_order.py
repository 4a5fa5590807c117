"""Batches of a fixed number of frames in the order on disk, as in the paper's code.

An epoch is the stream of all frames of the split, clip after clip. A batch is the next
`frames_per_batch` frames, across clip borders; the last batch of an epoch is shorter. The
candidates of a frame are frames of its own clip, so each piece of a clip comes with context frames
around it that are not in the loss mask.

Batch n is a function of n alone. A resumed run reads past earlier records, of which only the length
is parsed.
"""

import itertools
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from avsync.input_pipeline.damage import read_rows
from avsync.input_pipeline.records import (
    as_tensors,
    file_slices,
    no_autograph,
    open_records,
    read_slice,
    slice_dataset,
)
from avsync.input_pipeline.training import TrainBatch
from avsync.types import Batch, Host, Source

# Rows are padded to a multiple of this many frames. 1,024 frames of clips of about 190 frames take
# 1,088 to 1,216 frames with context: three or four compiled shapes, and 3% of the work is padding.
ROW_MULTIPLE = 64


class PlacedClip(NamedTuple):
    """A clip that takes frames [start, end) of the stream."""

    start: int
    end: int
    clip_id: str
    label: int
    visual: np.ndarray
    audio: np.ndarray


class Piece(NamedTuple):
    """Frames [first, end) of a clip, stored in a row from frame `position` on.

    Only [loss_first, loss_end) are in the loss mask; the others are context.
    """

    clip: PlacedClip
    first: int
    end: int
    loss_first: int
    loss_end: int
    position: int


def file_order_batches(
    source: Source,
    *,
    frames_per_batch: int,
    num_rows: int,
    reach_frames: int,
    trim: str,
    first_step: int = 0,
) -> Iterator[TrainBatch]:
    """An endless stream of batches of `frames_per_batch` frames, from batch `first_step` on.

    The frames are distributed evenly over `num_rows` rows, one per device. A row [t d] holds pieces
    of clips, so far apart that no frame of another piece lies within `reach_frames` of a frame in
    the loss mask. ValueError if `source` does not hold features.
    """
    num_frames = num_frames_of(source)
    steps_per_epoch = num_batches(source, frames_per_batch=frames_per_batch)
    epoch, step = divmod(first_step, steps_per_epoch)
    clips = _clips(
        source,
        trim=trim,
        epoch_start=epoch * num_frames,
        first=epoch * num_frames + step * frames_per_batch,
    )
    pending: deque[PlacedClip] = deque()
    for n in itertools.count(first_step):
        epoch, step = divmod(n, steps_per_epoch)
        first = epoch * num_frames + step * frames_per_batch
        end = min(first + frames_per_batch, (epoch + 1) * num_frames)
        while not pending or pending[-1].end < end:
            pending.append(next(clips))
        while pending[0].end <= first:
            pending.popleft()
        bounds = [first + (end - first) * row // num_rows for row in range(num_rows + 1)]
        rows = [
            _pieces(pending, first=low, end=high, reach_frames=reach_frames)
            for low, high in itertools.pairwise(bounds)
        ]
        yield _pack(rows)


def require_single_process(host: Host) -> None:
    """ValueError if there are several processes: they cannot share the stream."""
    if host.count > 1:
        raise ValueError(
            f"config.data.order 'file' needs a single process, got {host.count}; "
            "use one process, or config.data.order 'shuffled'"
        )


def num_batches(source: Source, *, frames_per_batch: int) -> int:
    """Batches of an epoch; ValueError if `source` does not hold features."""
    return -(-num_frames_of(source) // frames_per_batch)


def num_frames_of(source: Source) -> int:
    """Frames of all clips of a feature dataset's split; ValueError for a dataset of clips."""
    counts = (tfds.builder_from_directory(source.directory).info.metadata or {}).get("num_frames")
    if not counts:
        raise ValueError(
            f"{source.dataset} holds clips, but config.data.order 'file' reads features: extract "
            "them with avsync-extract, or use config.data.order 'shuffled'."
        )
    return sum(counts[split] for split in source.split.split("+"))


def _clips(source: Source, *, trim: str, epoch_start: int, first: int) -> Iterator[PlacedClip]:
    """All clips, epoch after epoch, without those that end before frame `first` of the stream.

    `epoch_start` is the first frame of the epoch that contains frame `first`.
    """
    slices = as_tensors(file_slices(source, range(source.num_clips)))
    records = open_records(source, trim=trim)
    no_seed = tf.constant([0, 0])

    @no_autograph
    def measure(record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        span = records.trim(records.parse(record), no_seed)
        return record, tf.cast(span.end - span.first, tf.int64)

    @no_autograph
    def place(start: tf.Tensor, item: tuple[tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, Any]:
        record, length = item
        return start + length, (record, start, start + length)

    @no_autograph
    def load(record: tf.Tensor, start: tf.Tensor, end: tf.Tensor) -> dict[str, Any]:
        clip = records.parse(record)
        visual, audio = records.load(clip, records.trim(clip, no_seed), None, no_seed)
        return {
            "start": start,
            "end": end,
            "clip_id": clip["clip_id"],
            "label": clip["label"],
            "visual": visual,
            "audio": audio,
        }

    dataset: Any = (
        slice_dataset(slices)
        .repeat()
        .flat_map(read_slice)
        .map(measure, num_parallel_calls=tf.data.AUTOTUNE)
        .scan(tf.constant(epoch_start, tf.int64), place)
    )
    dataset = dataset.filter(lambda record, start, end: end > first)
    dataset = dataset.map(load, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
    for item in read_rows(dataset, source):
        yield PlacedClip(
            start=int(item["start"]),
            end=int(item["end"]),
            clip_id=item["clip_id"].decode(),
            label=int(item["label"]),
            visual=item["visual"],
            audio=item["audio"],
        )


def _pieces(clips: Sequence[PlacedClip], *, first: int, end: int, reach_frames: int) -> list[Piece]:
    """Frames [first, end) of the stream as one row."""
    row: list[Piece] = []
    for clip in clips:
        length = clip.end - clip.start
        loss_first, loss_end = max(first - clip.start, 0), min(end - clip.start, length)
        if loss_first >= loss_end:
            continue
        piece = Piece(
            clip=clip,
            first=max(loss_first - reach_frames, 0),
            end=min(loss_end + reach_frames, length),
            loss_first=loss_first,
            loss_end=loss_end,
            position=0,
        )
        position = _position_after(row[-1], piece, reach_frames) if row else 0
        row.append(piece._replace(position=position))
    return row


def _position_after(before: Piece, piece: Piece, reach_frames: int) -> int:
    """The first position where neither piece's loss reads a frame of the other piece."""
    context_before = before.end - before.loss_end
    context = piece.loss_first - piece.first
    gap = reach_frames - min(context_before, context)
    return before.position + before.end - before.first + gap


def _pack(rows: list[list[Piece]]) -> TrainBatch:
    ends = [row[-1].position + row[-1].end - row[-1].first if row else 0 for row in rows]
    valid = np.zeros((len(rows), -(-max(ends) // ROW_MULTIPLE) * ROW_MULTIPLE), bool)
    loss_mask = np.zeros_like(valid)
    like = next(piece.clip for row in rows for piece in row)
    visual, audio = (
        np.zeros((*valid.shape, x.shape[1]), x.dtype) for x in (like.visual, like.audio)
    )
    label, clip_ids = np.zeros(len(rows), np.int32), []
    for i, row in enumerate(rows):
        for clip, first, end, loss_first, loss_end, position in row:
            at = slice(position, position + end - first)
            visual[i, at], audio[i, at] = clip.visual[first:end], clip.audio[first:end]
            valid[i, at] = True
            loss_mask[i, position + loss_first - first : position + loss_end - first] = True
        clips = sorted((piece.clip for piece in row), key=lambda clip: -clip.label)
        label[i] = clips[0].label if clips else 0
        clip_ids.append(clips[0].clip_id if clips else "")
    return TrainBatch(Batch(visual, audio, valid, loss_mask, label), clip_ids)
