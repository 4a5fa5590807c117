"""From the scores of a face, or of all talking faces of a file, to the result with its verdict."""

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool

from avsync.media.tracks import MouthTrack
from avsync.scoring import OffsetRun
from avsync.scoring.drift import Placed, drift_ms_per_minute
from avsync.scoring.video.decision import decided
from avsync.scoring.video.joint_scores import Heard, JointScores
from avsync.scoring.video.long_clip import LongClip
from avsync.scoring.video.reference import Reference
from avsync.scoring.video.results import OffsetSegment, Reason, SyncResult
from avsync.scoring.video.segments import mismatched_frames, segments_of
from avsync.scoring.video.trimming import TrimmedTrack
from avsync.scoring.video.verdict import with_message
from avsync.units import FRAMES_PER_SECOND


class HeardTrack(NamedTuple):
    """A face that went through the model; `start` is the time of its first frame in the file."""

    track: MouthTrack
    trimmed: TrimmedTrack
    clip: LongClip
    heard: Heard
    start: float

    @property
    def lip_motion(self) -> float | None:
        """The deviation of the opening of the mouth while there is speech; None if unknown.

        In distances between the eyes; unknown for a face that is not seen in all of its frames.
        """
        openings = np.array(self.track.openings)
        first = self.trimmed.first - self.track.first
        openings = openings[first : first + self.clip.num_frames]
        is_whole = len(self.track.boxes) == len(self.track.places)
        if not is_whole or not self.trimmed.has_speech.any():
            return None
        return float(openings[self.trimmed.has_speech].std())


def outcome(
    scores: JointScores,
    tracks: Sequence[HeardTrack],
    reference: Reference,
    *,
    why_not: Reason | None = None,
    remark: str = "",
) -> SyncResult:
    """The result of these faces together, with its verdict in words; `remark` is added to them.

    `why_not` says why they cannot be judged, see `decision.obstacle`.
    """
    usual = reference.offset_frames
    # The sound was moved back by the offset of the reference clips before it was scored.
    starts = [track.start for track in tracks]
    offsets = [each.earlier(-usual) for each in _offset_segments(starts, scores.offsets)]
    best = OffsetSegment(0, 0, *scores.best[:2]).earlier(-usual)
    result = SyncResult(
        score=scores.score,
        p_value=reference.p_value([piece.score for piece in scores.pieces]),
        offset_frames=best.offset_frames,
        reference_offset_frames=usual,
        offset_seconds=best.offset_seconds,
        offset_is_certain=scores.is_certain,
        offset_nats=scores.best.nats,
        offsets=tuple(offsets),
        drift_ms_per_minute=drift_ms_per_minute([Placed(t.start, t.heard.gains) for t in tracks]),
        score_resynced=scores.score_realigned,
        p_value_resynced=reference.p_value([piece.score for piece in scores.pieces_realigned]),
        num_pieces=len(scores.pieces),
        scored_share=_scored_share(scores),
        unlike=_unlike(tracks, reference),
    )
    is_bad = _mismatched(scores, tracks, reference, is_realigned=result.is_shifted)
    result = dataclasses.replace(
        result, **_parts(scores, tracks, reference, is_bad, is_realigned=result.is_shifted)
    )
    return with_message(decided(result, reference, why_not=why_not), reference, remark=remark)


def _offset_segments(
    starts: Sequence[float], runs: Sequence[Sequence[OffsetRun]]
) -> list[OffsetSegment]:
    """The runs of clips that begin at `starts`, in seconds; neighbours of equal offset merged."""
    segments: list[OffsetSegment] = []
    for clip_start, own in zip(starts, runs, strict=True):
        for run in own:
            start = clip_start + run.first / FRAMES_PER_SECOND
            end = clip_start + run.end / FRAMES_PER_SECOND
            if segments and segments[-1].offset_frames == run.offset_frames:
                segments[-1] = segments[-1]._replace(end=max(segments[-1].end, end))
            else:
                segments.append(OffsetSegment(start, end, run.offset_frames, run.exact_frames))
    return segments


def _scored_share(scores: JointScores) -> float:
    counted = sum(int(np.isfinite(own).sum()) for own in scores.frame_scores)
    return counted / sum(map(len, scores.frame_scores))


def _unlike(tracks: Sequence[HeardTrack], reference: Reference) -> tuple[str, ...]:
    distances = {
        stream: np.concatenate([track.heard.distances[stream] for track in tracks])
        for stream in reference.domain
    }
    return reference.unlike(distances)


def _mismatched(
    scores: JointScores,
    tracks: Sequence[HeardTrack],
    reference: Reference,
    *,
    is_realigned: bool,
) -> list[Bool[np.ndarray, " t"]]:
    """By face, the frames that do not fit, in the pieces that stand out."""
    pieces = scores.pieces_realigned if is_realigned else scores.pieces
    by_clip = scores.frame_scores_realigned if is_realigned else scores.frame_scores
    stands_out = reference.rejected([piece.score for piece in pieces])
    worst = [piece for piece, is_out in zip(pieces, stands_out, strict=True) if is_out]
    return [
        mismatched_frames(
            frame_scores,
            pieces=[(piece.first, piece.end) for piece in worst if piece.clip == index],
            threshold=reference.frame_threshold,
        )
        for index, (_, frame_scores) in enumerate(zip(tracks, by_clip, strict=True))
    ]


def _parts(
    scores: JointScores,
    tracks: Sequence[HeardTrack],
    reference: Reference,
    is_bad: Sequence[Bool[np.ndarray, " t"]],
    *,
    is_realigned: bool,
) -> dict[str, Any]:
    """What does not fit, its share of the frames that count, and whether the rest does fit."""
    by_clip = scores.frame_scores_realigned if is_realigned else scores.frame_scores
    segments, num_bad, num_counted, rest_nats = [], 0, 0, 0.0
    # Lips that rest in a pause fit any pause: only frames that count are evidence.
    for track, frame_scores, bad, runs in zip(tracks, by_clip, is_bad, scores.offsets, strict=True):
        segments += segments_of(bad, frame_scores, start_seconds=track.start)
        num_bad += int(bad.sum())
        is_rest = np.isfinite(frame_scores) & ~bad
        num_counted += int(bad.sum() + is_rest.sum())
        for run in runs:
            frames = run.first + np.flatnonzero(is_rest[run.first : run.end])
            column = track.heard.gains.shape[1] // 2 + (run.offset_frames if is_realigned else 0)
            rest_nats += float(track.heard.gains[frames, column].sum(dtype=float))
    return {
        "segments": tuple(sorted(segments)),
        "mismatched_share": num_bad / max(num_counted, 1),
        "rest_fits": rest_nats >= reference.min_offset_nats(num_counted - num_bad),
    }
