"""Whole clips to padded batches, in NumPy: evaluation and the scoring of files share it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from avsync.types import Batch, ClipInfo, WholeClip
from avsync.units import SAMPLES_PER_FRAME

# Evaluated clips are padded to a multiple of this many frames: a handful of shapes to compile for.
BUCKET_FRAMES = 25


class EvalBatch(NamedTuple):
    """A batch for the device and what is known of its clips; rows beyond `infos` are padding."""

    batch: Batch
    infos: list[ClipInfo]


def batched(clips: Iterable[WholeClip], *, batch_size: int) -> Iterator[EvalBatch]:
    """The clips in their order, `batch_size` rows at a time; the last batch is padded to as many.

    All clips of a batch are padded to the same number of frames, a multiple of BUCKET_FRAMES.
    """
    rows: list[WholeClip] = []
    for clip in clips:
        rows.append(clip)
        if len(rows) == batch_size:
            yield padded(rows, num_rows=batch_size)
            rows = []
    if rows:
        yield padded(rows, num_rows=batch_size)


def padded(
    clips: Sequence[WholeClip], *, num_rows: int, num_frames: int | None = None
) -> EvalBatch:
    """One batch of `num_rows` rows and `num_frames` frames, clips padded with zeros.

    By default `num_frames` is that of the longest clip, rounded up to a multiple of BUCKET_FRAMES.
    """
    if num_frames is None:
        longest = max(clip.info.num_frames for clip in clips)
        num_frames = max(1, -(-longest // BUCKET_FRAMES)) * BUCKET_FRAMES
    # A clip that could not be read has empty arrays; one that could be read sets the shapes.
    like = next((clip for clip in clips if clip.info.num_frames), clips[0])
    audio_steps = SAMPLES_PER_FRAME if like.audio.ndim == 1 else 1
    valid = np.zeros((num_rows, num_frames), bool)
    visual = np.zeros((*valid.shape, *like.visual.shape[1:]), like.visual.dtype)
    audio = np.zeros((num_rows, num_frames * audio_steps, *like.audio.shape[1:]), like.audio.dtype)
    label = np.zeros(num_rows, np.int32)
    for i, clip in enumerate(clips):
        n = clip.info.num_frames
        visual[i, :n], audio[i, : n * audio_steps], valid[i, :n] = clip.visual[:n], clip.audio, True
        label[i] = clip.info.label
    batch = Batch(visual, audio, valid, loss_mask=valid, label=label)
    return EvalBatch(batch, [clip.info for clip in clips])
