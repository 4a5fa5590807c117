"""Results to describe and draw, and the reference clips that they are compared with."""

import numpy as np

from avsync.scoring.video.reference import Reference
from avsync.scoring.video.results import (
    FaceResult,
    Moment,
    OffsetSegment,
    SyncResult,
    Timeline,
    TrackScores,
    VideoResult,
)
from avsync.scoring.video.segments import Segment
from avsync.scoring.video.verdict import with_verdict

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
    evidence: float = 2.0,
    gain: float = 100.0,
) -> SyncResult:
    """A result with its verdict; it has the score `realigned` after realignment by `offsets`."""
    after = score if realigned is None else realigned
    result = SyncResult(
        score=score,
        p_value=REFERENCE.p_value([score]),
        offset_frames=offset,
        score_resynced=after,
        p_value_resynced=REFERENCE.p_value([after]),
        offset_evidence=evidence,
        offset_gain=gain,
        offsets=offset_segments(*(offsets or [offset])),
        num_pieces=1,
    )
    return with_verdict(result, REFERENCE)


def offset_segments(*offsets: int) -> tuple[OffsetSegment, ...]:
    """One segment of 1.5 s per offset, in a row."""
    return tuple(OffsetSegment(1.5 * i, 1.5 * (i + 1), frames) for i, frames in enumerate(offsets))


def video_result(result: SyncResult, *, path: str, seconds: float = 3.0) -> VideoResult:
    """A file with one face, random frame scores and a suspicious segment."""
    rng = np.random.default_rng(0)
    num_frames = round(25 * seconds)
    scores = rng.uniform(0, 2, num_frames).astype(np.float32)
    evidence = rng.uniform(-9, 0, (num_frames, 31)).astype(np.float32)
    timeline = Timeline(
        waveform=rng.integers(-9_000, 9_000, num_frames * 640).astype(np.int16),
        start_seconds=0.0,
        tracks=[TrackScores(0.0, scores, evidence)],
        moments=[Moment(1.0, 1.5, rng.integers(0, 256, (96, 96), np.uint8))],
        support=rng.uniform(-9, 0, 31).astype(np.float32),
    )
    face = FaceResult(
        **result.sync_fields(), start=0.0, end=seconds, box=(1.0, 2.0, 3.0, 4.0), is_talking=True
    )
    return VideoResult(
        **result.sync_fields(),
        path=path,
        faces=(face,),
        segments=(Segment(1.0, 1.8, 2.0),),
        timeline=timeline,
    )
