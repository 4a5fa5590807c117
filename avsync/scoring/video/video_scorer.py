"""Scores video files: decode, find faces, trim, run the model, compare with the reference clips."""

import copy
import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from avsync.media.crop_store import CropStore
from avsync.media.footage import Footage
from avsync.media.reading import Reader
from avsync.media.rejects import Reject
from avsync.media.tracks import MouthTrack
from avsync.scoring import Abstention, OffsetRun
from avsync.scoring.scorer import Scorer
from avsync.scoring.video.clip_scorer import (
    ClipScorer,
    JointScores,
    Logits,
    OnProgress,
    no_progress,
)
from avsync.scoring.video.face_selection import select_faces
from avsync.scoring.video.long_clip import LongClip
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
from avsync.scoring.video.segments import segments_above, smoothed, worst_frames
from avsync.scoring.video.trimming import TrimmedTrack, trim_track
from avsync.scoring.video.verdict import with_verdict
from avsync.units import CROP_PIXELS, FRAMES_PER_SECOND, INPUT_PIXELS

NUM_MOMENTS = 4

MARGIN_PIXELS = (CROP_PIXELS - INPUT_PIXELS) // 2


class Origin(NamedTuple):
    """Fingerprints of what scores are made by; "" where unknown or missing.

    model: of the parameters, see `avsync.weights.fingerprint`.
    calibration: of the scores of the reference clips and how they were made.
    """

    model: str = ""
    calibration: str = ""


UNKNOWN = Origin()


class VideoScorer:
    """Scores video files one by one; `avsync.load_scorer` makes it.

    Frame-score and pooling rules are those of the reference clips, whatever `scorer` names: scores
    made by different rules cannot be compared.

    Attributes:
      reference: what scores are compared with.
      reader: reads the files.
      origin: the model and the calibration.
    """

    def __init__(
        self, scorer: Scorer, reference: Reference, *, reader: Reader, origin: Origin = UNKNOWN
    ):
        scorer = reference.apply_rules(scorer)
        self.reference, self.origin = reference, origin
        self._clip_scorer = ClipScorer(scorer, piece_frames=reference.piece_frames)
        self.reader = reader

    def with_reader(self, reader: Reader) -> "VideoScorer":
        """This scorer with another reader, for another thread; they share the compiled model."""
        other = copy.copy(self)
        other.reader = reader
        return other

    def score(
        self,
        path: str | Path,
        *,
        on_progress: OnProgress = no_progress,
        following: Path | None = None,
    ) -> VideoResult:
        """The result of one file; a file that cannot be scored has a status that says why.

        `on_progress` is called with a stage, the number of its frames that are done and of all. The
        stages: "faces" decodes and finds them; "model", once for each face; where a face is scored
        in pieces, "pieces"; where it has an A/V offset, "realigned". `following` is the file to be
        scored next, which a `ProcessReader` reads meanwhile.
        """
        try:
            advance = functools.partial(on_progress, "faces")
            with self.reader.footage(Path(path), advance=advance) as (footage, store):
                if following is not None:
                    self.reader.look_ahead(following)
                return self._score_footage(str(path), footage, store, on_progress)
        except Reject as reject:
            return VideoResult(path=str(path), status=reject.reason, message=reject.detail)

    def _score_footage(
        self, path: str, footage: Footage, store: CropStore, on_progress: OnProgress
    ) -> VideoResult:
        selection = select_faces(footage.tracks)
        faces: list[FaceResult] = []
        talking: list[_ScoredTrack] = []
        for track in [*selection.talking, *selection.others]:
            is_talking = track in selection.talking
            reference = self.reference
            trimmed = trim_track(
                track, footage, rule=reference.trim, late_frames=reference.offset_frames
            )
            if isinstance(trimmed, Abstention):
                result = SyncResult(status=trimmed.status, message=trimmed.message)
            else:
                scored = self._score_track(trimmed, store, on_progress)
                result = self._result(scored.scores, [scored], footage)
                if is_talking:
                    talking.append(scored)
            faces.append(_face(result, track, footage, is_talking=is_talking))
        for track, reason in selection.unusable:
            result = SyncResult(status=reason.status, message=reason.message)
            faces.append(_face(result, track, footage, is_talking=False))
        if not faces:
            raise Reject("no_face", _joined("no face is visible for half a second", footage.remark))
        if not talking:
            status, message = faces[0].status, _joined(faces[0].message, footage.remark)
            return VideoResult(path=path, faces=tuple(faces), status=status, message=message)
        talking.sort(key=lambda scored: scored.trimmed.first)
        return self._score_together(path, footage, faces, talking, store, on_progress)

    def _score_track(
        self, trimmed: TrimmedTrack, store: CropStore, on_progress: OnProgress
    ) -> "_ScoredTrack":
        clip = _long_clip(trimmed, store)
        logits = self._clip_scorer.logits(clip, on_progress=on_progress)
        scores = self._clip_scorer.score([clip], logits=[logits], on_progress=on_progress)
        return _ScoredTrack(trimmed, clip, logits, scores)

    def _score_together(
        self,
        path: str,
        footage: Footage,
        faces: list[FaceResult],
        talking: list["_ScoredTrack"],
        store: CropStore,
        on_progress: OnProgress,
    ) -> VideoResult:
        """The result of the file: of its talking faces together."""
        scores = talking[0].scores
        if len(talking) > 1:
            scores = self._clip_scorer.score(
                [scored.clip for scored in talking],
                logits=[scored.logits for scored in talking],
                on_progress=on_progress,
            )
        joint = self._result(scores, talking, footage, remark=footage.remark)
        result = VideoResult(**joint.sync_fields(), path=path, faces=tuple(faces))
        by_track = scores.frame_scores_realigned if result.is_realigned else scores.frame_scores
        tracks = [
            TrackScores(scored.start_seconds(footage), frame_scores, evidence)
            for scored, frame_scores, evidence in zip(
                talking, by_track, scores.evidence, strict=True
            )
        ]
        threshold = self.reference.threshold
        suspicious = [
            segment
            for start, frame_scores, _ in tracks
            if threshold is not None and joint.verdict != "not_judged"
            for segment in segments_above(frame_scores, threshold=threshold, start_seconds=start)
        ]
        moments = [
            moment
            for scored, track in zip(talking, tracks, strict=True)
            for moment in _moments(scored.trimmed, track, store)
        ]
        worst = sorted(moments, key=lambda moment: -moment.score)[:NUM_MOMENTS]
        timeline = Timeline(
            waveform=footage.waveform,
            start_seconds=footage.start_seconds,
            tracks=tracks,
            moments=sorted(worst, key=lambda moment: moment.seconds),
            support=scores.support,
        )
        return dataclasses.replace(result, segments=tuple(sorted(suspicious)), timeline=timeline)

    def _result(
        self,
        scores: JointScores,
        tracks: Sequence["_ScoredTrack"],
        footage: Footage,
        *,
        remark: str = "",
    ) -> SyncResult:
        """The result of these tracks together, with its verdict."""
        starts = [track.start_seconds(footage) for track in tracks]
        usual = self.reference.offset_frames
        result = SyncResult(
            score=scores.score,
            p_value=self.reference.p_value(scores.piece_scores),
            offset_frames=usual + scores.offset_frames,
            reference_offset_frames=usual,
            offset_evidence=scores.offset_evidence,
            offset_gain=scores.offset_gain,
            offsets=_offset_segments(starts, scores.offsets, usual=usual),
            score_resynced=scores.score_realigned,
            p_value_resynced=self.reference.p_value(scores.piece_scores_realigned),
            num_pieces=len(scores.piece_scores),
        )
        rate = float(footage.recording.facts["video_frames_per_second"])
        return with_verdict(result, self.reference, remark=remark, frames_per_second=rate)


def _joined(message: str, remark: str) -> str:
    return "; ".join(text for text in (message, remark) if text)


class _ScoredTrack(NamedTuple):
    """A face that went through the model."""

    trimmed: TrimmedTrack
    clip: LongClip
    logits: Logits
    scores: JointScores

    def start_seconds(self, footage: Footage) -> float:
        """The time of its first frame, in seconds of the file."""
        return footage.start_seconds + self.trimmed.first / FRAMES_PER_SECOND


def _offset_segments(
    starts: Sequence[float], runs: Sequence[Sequence[OffsetRun]], *, usual: int
) -> tuple[OffsetSegment, ...]:
    """The runs of clips that begin at `starts`, in seconds; neighbours of equal offset merged.

    The runs are those of clips whose sound was moved back by `usual` frames.
    """
    segments: list[OffsetSegment] = []
    for clip_start, own in zip(starts, runs, strict=True):
        for run in own:
            start = clip_start + run.first / FRAMES_PER_SECOND
            end = clip_start + run.end / FRAMES_PER_SECOND
            offset_frames = usual + run.offset_frames
            if segments and segments[-1].offset_frames == offset_frames:
                segments[-1] = segments[-1]._replace(end=max(segments[-1].end, end))
            else:
                segments.append(OffsetSegment(start, end, offset_frames))
    return tuple(segments)


def _long_clip(trimmed: TrimmedTrack, store: CropStore) -> LongClip:
    inner = slice(MARGIN_PIXELS, MARGIN_PIXELS + INPUT_PIXELS)

    def read(first: int, end: int) -> UInt8[np.ndarray, "t h w 1"]:
        return store.read(trimmed.places[first:end])[:, inner, inner]

    return LongClip(len(trimmed.places), read, trimmed.waveform)


def _face(
    result: SyncResult, track: MouthTrack, footage: Footage, *, is_talking: bool
) -> FaceResult:
    start, end = (
        footage.start_seconds + index / FRAMES_PER_SECOND
        for index in (track.first, track.last_seen + 1)
    )
    box = tuple(np.median(track.boxes, axis=0).tolist())
    return FaceResult(
        **result.sync_fields(),
        start=start,
        end=end,
        box=box,
        is_talking=is_talking,
        outlines=track.outline_boxes,
    )


def _moments(trimmed: TrimmedTrack, track: TrackScores, store: CropStore) -> list[Moment]:
    """The worst moments of a track."""
    means = smoothed(track.frame_scores)
    return [
        Moment(
            seconds=float(track.times[frame]),
            score=float(means[frame]),
            crop=store.read(trimmed.places[frame : frame + 1])[0, ..., 0],
        )
        for frame in worst_frames(track.frame_scores, number=NUM_MOMENTS)
    ]
