"""A clip with its sound moved to where it fits, each stretch by its own offset."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int, UInt8

from avsync.scoring import OffsetStretch
from avsync.scoring.video.windows import LongClip
from avsync.units import SAMPLES_PER_FRAME


class Resynced(NamedTuple):
    """What is left of a clip, joined: frame i shows frame `origin[i]` of the clip as it was."""

    clip: LongClip
    origin: Int[np.ndarray, " _"]


def resynced(clip: LongClip, stretches: Sequence[OffsetStretch]) -> Resynced:
    """The pictures of the clip, each with the sound that comes so many frames late there.

    Frames whose sound would lie beyond the clip are left out. Where the offset shrinks by n, n
    frames of sound are heard twice; where it grows, as many are skipped.
    """
    runs = [
        (first, end, offset)
        for first, end, offset in (
            (max(s.first, -s.offset_frames), min(s.end, clip.num_frames - s.offset_frames), *s[2:])
            for s in stretches
        )
        if first < end
    ]
    nothing = np.zeros(0, int)
    origin = np.concatenate([nothing, *[np.arange(first, end) for first, end, _ in runs]])
    sound = [
        clip.waveform[(first + offset) * SAMPLES_PER_FRAME : (end + offset) * SAMPLES_PER_FRAME]
        for first, end, offset in runs
    ]
    waveform = np.concatenate([clip.waveform[:0], *sound])

    def read(first: int, end: int) -> UInt8[np.ndarray, "t h w 1"]:
        shown = origin[first:end]
        pictures = np.split(shown, np.flatnonzero(np.diff(shown) != 1) + 1)
        return np.concatenate([clip.read(int(run[0]), int(run[-1]) + 1) for run in pictures])

    return Resynced(LongClip(len(origin), read, waveform), origin)
