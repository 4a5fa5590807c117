"""How a fake is written down, the same for every manipulation."""

from collections.abc import Iterable

import numpy as np

from avsync.datasets.fabricate import CannotFabricate
from avsync.types import FAKE, REAL, Clip
from avsync.units import FRAMES_PER_SECOND


def forgery(
    source: Clip,
    *,
    manipulation: str,
    category: str,
    stretches: Iterable[slice],
    frames: np.ndarray | None = None,
    waveform: np.ndarray | None = None,
) -> Clip:
    """The fake of `source` with these frames, this waveform, or both; what is not given is kept.

    `stretches` are the forged video frames, in the time of the fake; those that touch become one
    segment. ValueError if `source` is a fake itself: its own segments would be lost.
    """
    if source.label != REAL:
        raise ValueError(
            f"clip {source.clip_id}: a fake is made from a real clip, this one is "
            f"{source.category} ({source.manipulation}); start from {source.source_clip!r}"
        )
    return source.replace(
        clip_id=f"{source.clip_id}+{manipulation}",
        frames=source.frames if frames is None else frames,
        waveform=source.waveform if waveform is None else waveform,
        label=FAKE,
        category=category,
        manipulation=manipulation,
        source_clip=source.clip_id,
        fake_segments=_segments(stretches),
    )


def stretch_frames(seconds: float) -> int:
    """The whole video frames nearest to `seconds`; ValueError if that is none."""
    num_frames = round(seconds * FRAMES_PER_SECOND)
    if num_frames < 1:
        raise ValueError(
            f"seconds={seconds:g} is less than one video frame; give at least "
            f"{1 / FRAMES_PER_SECOND:g}"
        )
    return num_frames


def check_length(clip: Clip, *, longer_than_frames: int, manipulation: str) -> None:
    """Raises `CannotFabricate` unless the clip has more frames than this."""
    if len(clip.frames) <= longer_than_frames:
        raise CannotFabricate(
            f"clip {clip.clip_id}: {manipulation} needs more than {longer_than_frames} frames, "
            f"it has {len(clip.frames)}; leave it out or forge less of it"
        )


def _segments(stretches: Iterable[slice]) -> tuple[tuple[float, float], ...]:
    merged: list[tuple[int, int]] = []
    for start, stop in sorted((stretch.start, stretch.stop) for stretch in stretches):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return tuple((start / FRAMES_PER_SECOND, stop / FRAMES_PER_SECOND) for start, stop in merged)
