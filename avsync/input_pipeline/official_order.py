"""Batches of a fixed number of frames, in the order on disk: those of the paper's code.

An epoch is all frames of the split, clip after clip; a batch is the next so many of them, whatever
clips they are of, and the last of an epoch is shorter. Each frame chooses among the frames of its
own clip, so a stretch of a clip comes with those around it, which the loss does not count.

Batch n is a function of n alone. A restarted run reads past the records before it, of which
nothing but their length is parsed.
"""

import itertools
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from avsync.input_pipeline.records import as_written, open_records, read_file, rows_of
from avsync.input_pipeline.training import TrainBatch
from avsync.types import Batch, Host, Source

# Rows are padded to a multiple of this many frames: 1,024 frames of clips of about 190 frames take
# 1,088 to 1,216, so three or four shapes are compiled, and 3 % of the work is for nothing.
ROW_MULTIPLE = 64


class PlacedClip(NamedTuple):
    """A clip whose frames are numbers [start, end) of the stream."""

    start: int
    end: int
    clip_id: str
    label: int
    visual: np.ndarray
    audio: np.ndarray


class Stretch(NamedTuple):
    """Frames [first, end) of a clip, of which [counted_first, counted_end) are counted, from frame
    `place` of a row on."""

    clip: PlacedClip
    first: int
    end: int
    counted_first: int
    counted_end: int
    place: int


def file_order_batches(
    source: Source,
    *,
    frames_per_batch: int,
    num_rows: int,
    reach_frames: int,
    trim: str,
    first_step: int = 0,
) -> Iterator[TrainBatch]:
    """An endless stream of batches of `frames_per_batch` frames, beginning with `first_step`.

    Their frames are spread evenly over `num_rows` rows, one for each device. The features of a
    row [t d] are those of its stretches, so far apart that none is within `reach_frames` of
    another's counted frames. ValueError if `source` does not hold features.
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
    held: deque[PlacedClip] = deque()
    for n in itertools.count(first_step):
        epoch, step = divmod(n, steps_per_epoch)
        first = epoch * num_frames + step * frames_per_batch
        end = min(first + frames_per_batch, (epoch + 1) * num_frames)
        while not held or held[-1].end < end:
            held.append(next(clips))
        while held[0].end <= first:
            held.popleft()
        bounds = [first + (end - first) * row // num_rows for row in range(num_rows + 1)]
        rows = [
            _stretches(held, first=low, end=high, reach_frames=reach_frames)
            for low, high in itertools.pairwise(bounds)
        ]
        yield _pack(rows)


def require_alone(host: Host) -> None:
    """ValueError if there are several processes, which cannot share one stream."""
    if host.count > 1:
        raise ValueError(
            f"the order on disk is one stream, and there are {host.count} processes: use one "
            "process, or config.data.order 'shuffled'"
        )


def num_batches(source: Source, *, frames_per_batch: int) -> int:
    """Of an epoch; ValueError if `source` does not hold features."""
    return -(-num_frames_of(source) // frames_per_batch)


def num_frames_of(source: Source) -> int:
    """Frames of all clips of a split of features; ValueError for clips."""
    counts = (tfds.builder_from_directory(source.directory).info.metadata or {}).get("num_frames")
    if not counts:
        raise ValueError(
            f"{source.dataset} holds clips: frames in the order on disk are those of features, "
            "extracted beforehand. Extract them, or use config.data.order 'shuffled'."
        )
    return sum(counts[split] for split in source.split.split("+"))


def _clips(source: Source, *, trim: str, epoch_start: int, first: int) -> Iterator[PlacedClip]:
    """All clips, epoch after epoch, but for those that end before frame `first` of the stream.

    `epoch_start` is the stream's frame with which the epoch of `first` begins.
    """
    files = rows_of(source, range(source.num_clips))
    records = open_records(source, trim=trim)
    no_seed = tf.constant([0, 0])

    @as_written
    def measure(record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        kept = records.keep(records.parse(record), no_seed)
        return record, tf.cast(kept.end - kept.first, tf.int64)

    @as_written
    def place(start: tf.Tensor, item: tuple[tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, Any]:
        record, length = item
        return start + length, (record, start, start + length)

    @as_written
    def load(record: tf.Tensor, start: tf.Tensor, end: tf.Tensor) -> dict[str, Any]:
        clip = records.parse(record)
        visual, audio = records.load(clip, records.keep(clip, no_seed), None, no_seed)
        return {
            "start": start,
            "end": end,
            "clip_id": clip["clip_id"],
            "label": clip["label"],
            "visual": visual,
            "audio": audio,
        }

    dataset: Any = (
        tf.data.Dataset.from_tensor_slices(tf.constant(files))
        .repeat()
        .flat_map(read_file)
        .map(measure, num_parallel_calls=tf.data.AUTOTUNE)
        .scan(tf.constant(epoch_start, tf.int64), place)
    )
    dataset = dataset.filter(lambda record, start, end: end > first)
    dataset = dataset.map(load, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
    for item in dataset.as_numpy_iterator():
        yield PlacedClip(
            start=int(item["start"]),
            end=int(item["end"]),
            clip_id=item["clip_id"].decode(),
            label=int(item["label"]),
            visual=item["visual"],
            audio=item["audio"],
        )


def _stretches(
    clips: Sequence[PlacedClip], *, first: int, end: int, reach_frames: int
) -> list[Stretch]:
    """Frames [first, end) of the stream as one row."""
    row: list[Stretch] = []
    for clip in clips:
        length = clip.end - clip.start
        counted_first, counted_end = max(first - clip.start, 0), min(end - clip.start, length)
        if counted_first >= counted_end:
            continue
        stretch = Stretch(
            clip=clip,
            first=max(counted_first - reach_frames, 0),
            end=min(counted_end + reach_frames, length),
            counted_first=counted_first,
            counted_end=counted_end,
            place=0,
        )
        row.append(
            stretch._replace(place=_place_behind(row[-1], stretch, reach_frames) if row else 0)
        )
    return row


def _place_behind(before: Stretch, stretch: Stretch, reach_frames: int) -> int:
    """The nearest place at which neither sees, from its counted frames, a frame of the other."""
    context_before = before.end - before.counted_end
    context = stretch.counted_first - stretch.first
    gap = reach_frames - min(context_before, context)
    return before.place + before.end - before.first + gap


def _pack(rows: list[list[Stretch]]) -> TrainBatch:
    ends = [row[-1].place + row[-1].end - row[-1].first if row else 0 for row in rows]
    valid = np.zeros((len(rows), -(-max(ends) // ROW_MULTIPLE) * ROW_MULTIPLE), bool)
    counted = np.zeros_like(valid)
    like = next(stretch.clip for row in rows for stretch in row)
    visual, audio = (
        np.zeros((*valid.shape, x.shape[1]), x.dtype) for x in (like.visual, like.audio)
    )
    label, clip_ids = np.zeros(len(rows), np.int32), []
    for i, row in enumerate(rows):
        for clip, first, end, counted_first, counted_end, place in row:
            at = slice(place, place + end - first)
            visual[i, at], audio[i, at] = clip.visual[first:end], clip.audio[first:end]
            valid[i, at] = True
            counted[i, place + counted_first - first : place + counted_end - first] = True
        clips = sorted((stretch.clip for stretch in row), key=lambda clip: -clip.label)
        label[i] = clips[0].label if clips else 0
        clip_ids.append(clips[0].clip_id if clips else "")
    return TrainBatch(Batch(visual, audio, valid, counted, label), clip_ids)
