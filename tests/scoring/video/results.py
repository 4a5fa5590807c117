"""Results to describe and draw, and the reference clips that they are compared with."""

import dataclasses
from typing import Any

import numpy as np

from avsync.scoring.video.decision import decided
from avsync.scoring.video.reference import Reference
from avsync.scoring.video.results import (
    FaceResult,
    Moment,
    OffsetSegment,
    Reason,
    SyncResult,
    Timeline,
    TrackScores,
    VideoResult,
)
from avsync.scoring.video.segments import Segment
from avsync.scoring.video.verdict import with_message

CALIBRATION = {
    "dataset": "grid",
    "split": "val",
    "trim": "leading",
    "frame": "nll",
    "pooling": "logmeanexp",
    "num_identities": 1,
    "scores": np.linspace(0, 1, 99).tolist(),
}
REFERENCE = Reference(CALIBRATION, false_alarm_rate=0.05)


def scored(
    score: float,
    *,
    offset: int = 0,
    offsets: tuple[int, ...] = (),
    realigned: float | None = None,
    is_certain: bool = True,
    unlike: tuple[str, ...] = (),
    segments: tuple[Segment, ...] = (Segment(1.0, 1.8, 2.0),),
    why_not: Reason | None = None,
    **fields: Any,
) -> SyncResult:
    """A result with its verdict; it has the score `realigned` after realignment by `offsets`."""
    after = score if realigned is None else realigned
    result = SyncResult(
        score=score,
        p_value=REFERENCE.p_value([score]),
        offset_frames=offset,
        offset_seconds=offset / 25,
        offset_is_certain=is_certain,
        offset_nats=100.0,
        offsets=offset_segments(*(offsets or [offset])),
        score_resynced=after,
        p_value_resynced=REFERENCE.p_value([after]),
        num_pieces=1,
        scored_share=0.5,
        segments=segments,
        mismatched_share=0.3,
        rest_fits=True,
        unlike=unlike,
    )
    result = dataclasses.replace(result, **fields)
    return with_message(decided(result, REFERENCE, why_not=why_not), REFERENCE)


def offset_segments(*offsets: int) -> tuple[OffsetSegment, ...]:
    """One segment of 1.5 s per offset, in a row."""
    return tuple(OffsetSegment(1.5 * i, 1.5 * (i + 1), frames) for i, frames in enumerate(offsets))


def video_result(result: SyncResult, *, path: str, seconds: float = 3.0) -> VideoResult:
    """A file with one face and random frame scores."""
    rng = np.random.default_rng(0)
    num_frames = round(25 * seconds)
    scores = rng.uniform(0, 2, num_frames).astype(np.float32)
    gains = rng.uniform(-3, 3, (num_frames, 31)).astype(np.float32)
    timeline = Timeline(
        waveform=rng.integers(-9_000, 9_000, num_frames * 640).astype(np.int16),
        start_seconds=0.0,
        tracks=[TrackScores(0.0, scores, gains)],
        moments=[Moment(1.0, 1.5, rng.integers(0, 256, (96, 96), np.uint8))],
        support=rng.uniform(-3, 3, 31),
    )
    face = FaceResult(
        **result.sync_fields(), start=0.0, end=seconds, box=(1.0, 2.0, 3.0, 4.0), is_talking=True
    )
    return VideoResult(
        **result.sync_fields(),
        path=path,
        faces=(face,),
        who_talks=(0, 0, None),
        timeline=timeline,
    )
