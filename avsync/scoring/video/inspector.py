"""A file to what is found of it: its faces, each with a score, and where they are worst."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from avsync.media.crop_store import CropStore, open_store
from avsync.media.footage import Footage, read_footage
from avsync.media.landmarks.base import FaceDetector
from avsync.media.mouth_tracks import MouthTrack
from avsync.media.rejects import Reject
from avsync.scoring import Abstention, OffsetStretch
from avsync.scoring.scorer import Scorer
from avsync.scoring.video import people, placing, segments
from avsync.scoring.video import verdict as wording
from avsync.scoring.video.judging import Judge, Judgement, Logits
from avsync.scoring.video.reference import Reference
from avsync.scoring.video.result import (
    Evidence,
    Face,
    Finding,
    Inspection,
    Moment,
    OffsetSpan,
    Stretch,
)
from avsync.scoring.video.trimming import Trimmed, trim
from avsync.scoring.video.windows import LongClip
from avsync.units import CROP_PIXELS, FRAMES_PER_SECOND, INPUT_PIXELS

# Thumbnails of so many of the worst moments.
NUM_MOMENTS = 4

MARGIN_PIXELS = (CROP_PIXELS - INPUT_PIXELS) // 2


class Inspector:
    """Scores files, one after the other, with one model against one reference."""

    def __init__(self, scorer: Scorer, reference: Reference, *, detector: FaceDetector):
        self._judge = Judge(scorer, piece_frames=reference.piece_frames)
        self._reference, self._detector = reference, detector

    def inspect(self, path: Path) -> Inspection:
        """What is found of the file; a file that cannot be scored says why in its status."""
        try:
            with open_store() as store:
                footage = read_footage(path, self._detector, store=store)
                return self._inspect(path, footage, store)
        except Reject as reject:
            finding = Finding(status=reject.reason, message=reject.detail)
            return Inspection(str(path), finding, faces=[], segments=[], evidence=None)

    def _inspect(self, path: Path, footage: Footage, store: CropStore) -> Inspection:
        found = people.choose(footage.tracks)
        if not (found.talking or found.unfit):
            raise Reject("no_face", "no face is seen for half a second")
        faces: list[Face] = []
        talking: list[_Heard] = []
        for track in [*found.talking, *found.others]:
            clip = trim(track, footage, rule=self._reference.trim)
            is_talking = track in found.talking
            if isinstance(clip, Abstention):
                finding = Finding(status=clip.status, message=clip.message)
            else:
                heard = self._hear(clip, store)
                finding = self._finding(heard.judgement, [heard], footage)
                talking += [heard] * is_talking
            faces.append(_face(track, footage, finding, is_talking=is_talking))
        for track, status, message in found.unfit:
            unfit = Finding(status=status, message=message)
            faces.append(_face(track, footage, unfit, is_talking=False))
        if not talking:
            return Inspection(str(path), faces[0].finding, faces, segments=[], evidence=None)
        talking.sort(key=lambda heard: heard.clip.first)
        return self._whole(path, footage, faces, talking, store)

    def _hear(self, clip: Trimmed, store: CropStore) -> "_Heard":
        long_clip = _long_clip(clip, store)
        logits = self._judge.logits(long_clip)
        judgement = self._judge.judge([long_clip], logits=[logits])
        return _Heard(clip, long_clip, logits, judgement)

    def _whole(
        self,
        path: Path,
        footage: Footage,
        faces: list[Face],
        talking: list["_Heard"],
        store: CropStore,
    ) -> Inspection:
        """The talking faces together; what is wrong with the file as a whole."""
        judgement = talking[0].judgement
        if len(talking) > 1:
            judgement = self._judge.judge(
                [heard.long_clip for heard in talking], logits=[heard.logits for heard in talking]
            )
        finding = self._finding(judgement, talking, footage, remark=footage.remark)
        is_moved = placing.is_shifted(finding) and placing.is_believed(finding, self._reference)
        frame_scores = judgement.frame_scores_resynced if is_moved else judgement.frame_scores
        stretches = [
            Stretch(_start(heard, footage), scores, evidence)
            for heard, scores, evidence in zip(
                talking, frame_scores, judgement.evidence, strict=True
            )
        ]
        threshold = self._reference.threshold
        bad = [
            segment
            for start, scores, _ in stretches
            if threshold is not None
            for segment in segments.above(scores, threshold=threshold, start_seconds=start)
        ]
        moments = [
            moment
            for heard, stretch in zip(talking, stretches, strict=True)
            for moment in _moments(heard.clip, stretch, store)
        ]
        worst = sorted(moments, key=lambda moment: -moment.score)[:NUM_MOMENTS]
        evidence = Evidence(
            waveform=footage.waveform,
            start_seconds=footage.start_seconds,
            stretches=stretches,
            moments=sorted(worst, key=lambda moment: moment.seconds),
            support=judgement.support,
            is_moved=is_moved,
        )
        return Inspection(str(path), finding, faces, sorted(bad), evidence)

    def _finding(
        self,
        judged: Judgement,
        clips: Sequence["_Heard"],
        footage: Footage,
        *,
        remark: str = "",
    ) -> Finding:
        """What is judged of these clips together, in numbers and words."""
        finding = Finding(
            score=judged.score,
            p_value=self._reference.p_value(judged.piece_scores),
            offset_frames=judged.offset_frames,
            offset_evidence=judged.offset_evidence,
            offset_gain=judged.offset_gain,
            offsets=_spans([_start(clip, footage) for clip in clips], judged.offsets),
            score_resynced=judged.score_resynced,
            p_value_resynced=self._reference.p_value(judged.piece_scores_resynced),
            num_pieces=len(judged.piece_scores),
        )
        return wording.with_verdict(finding, self._reference, remark=remark)


class _Heard(NamedTuple):
    """A face whose clip went through the model."""

    clip: Trimmed
    long_clip: LongClip
    logits: Logits
    judgement: Judgement


def _start(heard: _Heard, footage: Footage) -> float:
    """Where its clip begins, in seconds of the file."""
    return footage.start_seconds + heard.clip.first / FRAMES_PER_SECOND


def _spans(
    starts: Sequence[float], offsets: Sequence[Sequence[OffsetStretch]]
) -> tuple[OffsetSpan, ...]:
    """The offsets of clips that begin at `starts`; neighbours of one offset are one span."""
    spans: list[OffsetSpan] = []
    for start, stretches in zip(starts, offsets, strict=True):
        for first, end, offset in stretches:
            edges = (start + first / FRAMES_PER_SECOND, start + end / FRAMES_PER_SECOND)
            if spans and spans[-1].offset_frames == offset:
                spans[-1] = spans[-1]._replace(end=max(spans[-1].end, edges[1]))
            else:
                spans.append(OffsetSpan(*edges, offset))
    return tuple(spans)


def _long_clip(clip: Trimmed, store: CropStore) -> LongClip:
    inner = slice(MARGIN_PIXELS, MARGIN_PIXELS + INPUT_PIXELS)

    def read(first: int, end: int) -> np.ndarray:
        return store.read(clip.places[first:end])[:, inner, inner]

    return LongClip(len(clip.places), read, clip.waveform)


def _face(track: MouthTrack, footage: Footage, finding: Finding, *, is_talking: bool) -> Face:
    start, end = (
        footage.start_seconds + index / FRAMES_PER_SECOND
        for index in (track.first, track.last_seen + 1)
    )
    box = tuple(np.median(track.boxes, axis=0).tolist())
    return Face(finding, start, end, box, is_talking)


def _moments(clip: Trimmed, stretch: Stretch, store: CropStore) -> list[Moment]:
    """The worst of a stretch."""
    means = segments.smoothed(stretch.frame_scores)
    return [
        Moment(
            seconds=stretch.start + frame / FRAMES_PER_SECOND,
            score=float(means[frame]),
            crop=store.read(clip.places[frame : frame + 1])[0, ..., 0],
        )
        for frame in segments.worst(stretch.frame_scores, number=NUM_MOMENTS)
    ]
