"""Measures all shortcuts of all clips, with one clip in memory at a time."""

import logging
import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from avsync.audits.base import AuditedClip, Shortcut, Value
from avsync.evaluation.lines import VIEWS
from avsync.input_pipeline.sound import Origin, SoundClip
from avsync.units import SAMPLES_PER_FRAME

logger = logging.getLogger(__name__)


class Measured(NamedTuple):
    """Measured values; each list has one entry per clip.

    values: by view and shortcut; None where the value is unknown or the measurement failed.
    num_failed: by shortcut, the number of failed measurements, counted in each view.
    """

    origins: list[Origin]
    labels: list[int]
    categories: list[str]
    manipulations: list[str]
    values: dict[str, dict[str, list[Value]]]
    num_failed: dict[str, int]


class OtherSplits(NamedTuple):
    """Names of the other splits that hold a source clip, and of those with an identity."""

    with_source: Mapping[str, tuple[str, ...]]
    with_identity: Mapping[str, tuple[str, ...]]


def measure(
    clips: Iterable[SoundClip], shortcuts: Mapping[str, Shortcut], *, others: OtherSplits
) -> Measured:
    """Measures every shortcut of every clip, original and trimmed.

    Each failure is counted and logged, the first one of a shortcut with its traceback.
    """
    measured = Measured([], [], [], [], {v: {s: [] for s in shortcuts} for v in VIEWS}, {})
    for clip in clips:
        measured.origins.append(clip.origin)
        measured.labels.append(clip.label)
        measured.categories.append(clip.category)
        measured.manipulations.append(clip.manipulation)
        for view, waveform in zip(VIEWS, (clip.waveform, _trimmed(clip)), strict=True):
            audited = _audited(clip, waveform, others)
            for name, shortcut in shortcuts.items():
                value = None
                try:
                    # Trimming leaves nothing of a silent clip.
                    value = shortcut.measure(audited) if len(waveform) else None
                # Any exception: a plug-in that fails on one clip must not affect the others.
                except Exception as error:
                    _log_failure(name, clip, error, is_first=name not in measured.num_failed)
                    measured.num_failed[name] = measured.num_failed.get(name, 0) + 1
                is_nan = isinstance(value, float) and not math.isfinite(value)
                measured.values[view][name].append(None if is_nan else value)
    return measured


def other_splits(origins: Mapping[str, Iterable[Origin]]) -> OtherSplits:
    """Indexes the other splits, given the origins of their clips by split."""
    # Dictionaries as ordered sets.
    with_source: dict[str, dict[str, None]] = {}
    with_identity: dict[str, dict[str, None]] = {}
    for split, split_origins in origins.items():
        for origin in split_origins:
            with_source.setdefault(source_of(origin), {})[split] = None
            if origin.identity:
                with_identity.setdefault(origin.identity, {})[split] = None
    return OtherSplits(
        {source: tuple(splits) for source, splits in with_source.items()},
        {identity: tuple(splits) for identity, splits in with_identity.items()},
    )


def source_of(origin: Origin) -> str:
    """Id of the real clip that a fake was made from; the clip's own id if real or unknown."""
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


def _log_failure(name: str, clip: SoundClip, error: Exception, *, is_first: bool) -> None:
    logger.warning("%s failed on clip %s: %s", name, clip.origin.clip_id, error, exc_info=is_first)
