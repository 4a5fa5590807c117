"""A clip of any length whose crops are read on demand: cut into pieces, or realigned."""

import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int, Int16, UInt8

from avsync.scoring import OffsetRun
from avsync.units import SAMPLES_PER_FRAME


class LongClip(NamedTuple):
    """Crops and sound of a clip; only the sound is held in memory.

    read: (first, end) -> uint8 [end-first h w 1], the crops as the model takes them.
    counts: the frames whose scores count, those with speech; None for all.
    """

    num_frames: int
    read: Callable[[int, int], UInt8[np.ndarray, "t h w 1"]]
    waveform: Int16[np.ndarray, " s"]
    counts: Bool[np.ndarray, " t"] | None = None

    def cut(self, first: int, end: int) -> "LongClip":
        """Frames [first, end) as a clip of their own."""
        return LongClip(
            end - first,
            lambda inner_first, inner_end: self.read(first + inner_first, first + inner_end),
            self.waveform[first * SAMPLES_PER_FRAME : end * SAMPLES_PER_FRAME],
            None if self.counts is None else self.counts[first:end],
        )

    def pieces(self, piece_frames: int) -> list["Piece"]:
        """The clip in pieces of about `piece_frames` frames, equally long to within one frame."""
        number = max(1, round(self.num_frames / piece_frames))
        edges = [i * self.num_frames // number for i in range(number + 1)]
        return [Piece(first, end, self.cut(first, end)) for first, end in itertools.pairwise(edges)]


class Piece(NamedTuple):
    """Frames [first, end) of a clip as a clip of their own."""

    first: int
    end: int
    clip: LongClip


class Realigned(NamedTuple):
    """A realigned clip; its frame i is frame `source_frames[i]` of the original clip."""

    clip: LongClip
    source_frames: Int[np.ndarray, " _"]


def realigned(clip: LongClip, runs: Sequence[OffsetRun]) -> Realigned:
    """The clip with the sound of each run moved back by the offset of that run.

    Frames whose sound would lie beyond the clip are left out. Where the offset falls by n, n frames
    of sound are repeated; where it grows by n, as many are skipped.
    """
    inside = []
    for run in runs:
        offset = run.offset_frames
        first, end = max(run.first, -offset), min(run.end, clip.num_frames - offset)
        if first < end:
            inside.append((first, end, offset))
    source_frames = np.concatenate(
        [np.zeros(0, int), *[np.arange(first, end) for first, end, _ in inside]]
    )
    sound = [
        clip.waveform[(first + offset) * SAMPLES_PER_FRAME : (end + offset) * SAMPLES_PER_FRAME]
        for first, end, offset in inside
    ]
    waveform = np.concatenate([clip.waveform[:0], *sound])
    counts = None
    if clip.counts is not None:
        # Speech is a matter of the sound, and moves with it.
        moved = [clip.counts[first + offset : end + offset] for first, end, offset in inside]
        counts = np.concatenate([clip.counts[:0], *moved])

    def read(first: int, end: int) -> UInt8[np.ndarray, "t h w 1"]:
        frames = source_frames[first:end]
        contiguous = np.split(frames, np.flatnonzero(np.diff(frames) != 1) + 1)
        return np.concatenate([clip.read(int(part[0]), int(part[-1]) + 1) for part in contiguous])

    return Realigned(LongClip(len(source_frames), read, waveform, counts), source_frames)
