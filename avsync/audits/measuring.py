"""Clips to what every shortcut measures of them, one clip in memory at a time."""

import logging
import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from avsync.audits.base import AuditedClip, Shortcut, Value
from avsync.input_pipeline.sound import Origin, SoundClip
from avsync.units import SAMPLES_PER_FRAME

logger = logging.getLogger(__name__)

VIEWS = ("original", "trimmed")


class Measured(NamedTuple):
    """A row a clip.

    values: by view and shortcut. None is what is not known of a clip, or could not be measured.
    num_failed: by shortcut, how many clips it could not be measured of, in either view.
    """

    origins: list[Origin]
    labels: list[int]
    categories: list[str]
    manipulations: list[str]
    values: dict[str, dict[str, list[Value]]]
    num_failed: dict[str, int]


class OtherSplits(NamedTuple):
    """Which of the other splits hold a source, and in which an identity speaks."""

    with_source: Mapping[str, tuple[str, ...]]
    with_identity: Mapping[str, tuple[str, ...]]


def measure(
    clips: Iterable[SoundClip], shortcuts: Mapping[str, Shortcut], *, others: OtherSplits
) -> Measured:
    """Every shortcut of every clip, as it is and trimmed.

    A shortcut that fails on a clip is logged, once with its traceback, and counted.
    """
    found = Measured([], [], [], [], {v: {s: [] for s in shortcuts} for v in VIEWS}, {})
    for clip in clips:
        found.origins.append(clip.origin)
        found.labels.append(clip.label)
        found.categories.append(clip.category)
        found.manipulations.append(clip.manipulation)
        for view, waveform in zip(VIEWS, (clip.waveform, _trimmed(clip)), strict=True):
            audited = _audited(clip, waveform, others)
            for name, shortcut in shortcuts.items():
                value = None
                try:
                    # All that trimming has left of a silent clip is nothing.
                    value = shortcut.measure(audited) if len(waveform) else None
                # Whatever it is: a plug-in that fails on one clip must not cost the others.
                except Exception as error:
                    _tell(name, clip, error, is_first=name not in found.num_failed)
                    found.num_failed[name] = found.num_failed.get(name, 0) + 1
                is_nan = isinstance(value, float) and not math.isfinite(value)
                found.values[view][name].append(None if is_nan else value)
    return found


def other_splits(origins: Mapping[str, Iterable[Origin]]) -> OtherSplits:
    """What the other splits hold, from the origins of their clips."""
    with_source: dict[str, dict[str, None]] = {}
    with_identity: dict[str, dict[str, None]] = {}
    for split, of_split in origins.items():
        for origin in of_split:
            with_source.setdefault(source_of(origin), {})[split] = None
            if origin.identity:
                with_identity.setdefault(origin.identity, {})[split] = None
    return OtherSplits(
        {source: tuple(splits) for source, splits in with_source.items()},
        {identity: tuple(splits) for identity, splits in with_identity.items()},
    )


def source_of(origin: Origin) -> str:
    """The real clip that a fake was made of; a clip's own id if it is real, or nobody knows."""
    return origin.source_clip or origin.clip_id


def _trimmed(clip: SoundClip) -> np.ndarray:
    return clip.waveform[clip.num_trimmed_frames * SAMPLES_PER_FRAME :]


def _audited(clip: SoundClip, waveform: np.ndarray, others: OtherSplits) -> AuditedClip:
    identity = clip.origin.identity
    return AuditedClip(
        waveform=waveform,
        media=clip.media,
        splits_with_source=others.with_source.get(source_of(clip.origin), ()),
        splits_with_identity=others.with_identity.get(identity, ()) if identity else None,
    )


def _tell(name: str, clip: SoundClip, error: Exception, *, is_first: bool) -> None:
    logger.warning(
        "%s cannot be measured of clip %s: %s", name, clip.origin.clip_id, error, exc_info=is_first
    )
