"""Builds the fake clip, in the same way for every manipulation."""

from collections.abc import Iterable

import numpy as np

from avsync.datasets.fabricate import TOO_SHORT, CannotFabricate
from avsync.types import FAKE, REAL, Clip
from avsync.units import FRAMES_PER_SECOND


def make_fake(
    source: Clip,
    *,
    manipulation: str,
    category: str,
    segments: Iterable[slice],
    frames: np.ndarray | None = None,
    waveform: np.ndarray | None = None,
) -> Clip:
    """The fake of `source` with other `frames`, another `waveform`, or both.

    `segments` are slices of fake video frames, in the time of the fake; adjacent and overlapping
    ones are merged. Raises ValueError if `source` is itself fake: its own segments would be lost.
    """
    if source.label != REAL:
        raise ValueError(
            f"clip {source.clip_id}: fakes are made from real clips, but this one is "
            f"{source.category} ({source.manipulation}); use {source.source_clip!r} instead"
        )
    return source.replace(
        clip_id=f"{source.clip_id}+{manipulation}",
        frames=source.frames if frames is None else frames,
        waveform=source.waveform if waveform is None else waveform,
        label=FAKE,
        category=category,
        manipulation=manipulation,
        source_clip=source.clip_id,
        fake_segments=_merged(segments),
    )


def segment_frames(seconds: float) -> int:
    """`seconds` rounded to whole video frames; ValueError if that is 0."""
    num_frames = round(seconds * FRAMES_PER_SECOND)
    if num_frames < 1:
        raise ValueError(
            f"seconds={seconds:g} is less than one video frame; use at least "
            f"{1 / FRAMES_PER_SECOND:g}"
        )
    return num_frames


def check_length(clip: Clip, *, longer_than_frames: int, manipulation: str) -> None:
    """Raises `CannotFabricate` unless the clip has more than `longer_than_frames` frames."""
    if len(clip.frames) <= longer_than_frames:
        raise CannotFabricate(
            f"clip {clip.clip_id}: {manipulation} needs more than {longer_than_frames} frames, "
            f"the clip has {len(clip.frames)}",
            reason=TOO_SHORT,
        )


def _merged(segments: Iterable[slice]) -> tuple[tuple[float, float], ...]:
    merged: list[tuple[int, int]] = []
    for start, stop in sorted((segment.start, segment.stop) for segment in segments):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return tuple((start / FRAMES_PER_SECOND, stop / FRAMES_PER_SECOND) for start, stop in merged)
