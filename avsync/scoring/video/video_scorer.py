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
from avsync.scoring import Abstention
from avsync.scoring.scorer import Scorer
from avsync.scoring.video.clip_scorer import ClipScorer, OnProgress, no_progress
from avsync.scoring.video.decision import OBSTACLES, obstacle
from avsync.scoring.video.face_selection import select_faces
from avsync.scoring.video.joint_scores import JointScores
from avsync.scoring.video.long_clip import LongClip
from avsync.scoring.video.outcome import HeardTrack, outcome
from avsync.scoring.video.reference import Reference
from avsync.scoring.video.results import FaceResult, SyncResult, VideoResult
from avsync.scoring.video.talkers import NOBODY, Lips, find_talkers
from avsync.scoring.video.timeline import make_timeline
from avsync.scoring.video.tolerance import Tolerance, tolerated
from avsync.scoring.video.trimming import TrimmedTrack, trim_track
from avsync.scoring.video.verdict import tolerance_text
from avsync.units import CROP_PIXELS, FRAMES_PER_SECOND, INPUT_PIXELS, SAMPLES_PER_FRAME

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
        self,
        scorer: Scorer,
        reference: Reference,
        *,
        reader: Reader,
        origin: Origin = UNKNOWN,
        tolerance: Tolerance | None = None,
    ):
        self.reference, self.origin = reference, origin
        self._clip_scorer = ClipScorer(reference.apply_rules(scorer), reference)
        self.reader = reader
        self._tolerance = tolerance

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
        heard: list[HeardTrack] = []
        unscored = list(selection.unusable)
        for track in selection.usable:
            trimmed = self._trimmed(track, footage)
            if isinstance(trimmed, Abstention):
                unscored.append((track, trimmed))
            else:
                heard.append(self._hear(track, trimmed, footage, store, on_progress))
        if not heard and not unscored:
            raise Reject("no_face", _joined("no face is visible for half a second", footage.remark))
        scored, by_second = self._score_faces(heard, footage, on_progress)
        faces = [face for face, _, _ in scored] + [
            _face(SyncResult(status=reason.status, message=reason.message), track, footage)
            for track, reason in unscored
        ]
        if not scored:
            status, message = faces[0].status, _joined(faces[0].message, footage.remark)
            return VideoResult(path=path, faces=tuple(faces), status=status, message=message)
        result = self._score_together(path, footage, scored, store, on_progress)
        who_talks = tuple(None if face == NOBODY else face for face in by_second)
        return dataclasses.replace(result, faces=tuple(faces), who_talks=who_talks)

    def _trimmed(self, track: MouthTrack, footage: Footage) -> TrimmedTrack | Abstention:
        reference = self.reference
        return trim_track(
            track,
            footage,
            rule=reference.trim,
            needs_speech=reference.needs_speech,
            late_frames=reference.offset_frames,
        )

    def _hear(
        self,
        track: MouthTrack,
        trimmed: TrimmedTrack,
        footage: Footage,
        store: CropStore,
        on_progress: OnProgress,
    ) -> HeardTrack:
        clip = _long_clip(trimmed, store)
        if self.reference.is_speech_only:
            clip = clip._replace(counts=trimmed.has_speech)
        heard = self._clip_scorer.hear(clip, on_progress=on_progress)
        start = footage.start_seconds + trimmed.first / FRAMES_PER_SECOND
        return HeardTrack(track, trimmed, clip, heard, start)

    def _score_faces(
        self, heard: Sequence[HeardTrack], footage: Footage, on_progress: OnProgress
    ) -> tuple[list["_ScoredFace"], list[int]]:
        """Each face by itself, the talking ones first; and who of them talks in each second.

        A face is scored on the speech that is its own.
        """
        delay = round(footage.start_seconds * FRAMES_PER_SECOND)
        num_frames = delay + len(footage.waveform) // SAMPLES_PER_FRAME
        lips = [
            Lips(
                delay + each.trimmed.first,
                each.heard.gains,
                each.trimmed.has_speech,
                each.track.mouth_motion,
            )
            for each in heard
        ]
        talkers = find_talkers(lips, num_frames=num_frames)
        rate = float(footage.recording.facts["video_frames_per_second"])
        scored = []
        listening = [index for index in range(len(heard)) if index not in talkers.talking]
        for index in [*talkers.talking, *listening]:
            each, is_listener = heard[index], index in listening
            if self.reference.is_speech_only:
                own = each.trimmed.has_speech if is_listener else talkers.own_frames[index]
                each = each._replace(clip=each.clip._replace(counts=own))
            scores = self._clip_scorer.score(
                [each.clip], heard=[each.heard], on_progress=on_progress
            )
            why_not = obstacle(
                frames_per_second=rate,
                is_listener=is_listener,
                lip_motion=None if scores.is_certain else each.lip_motion,
            )
            result = outcome(scores, [each], self.reference, why_not=why_not)
            face = _face(result, each.track, footage, is_talking=not is_listener)
            scored.append(_ScoredFace(face, each, scores))
        places = {face: place for place, face in enumerate([*talkers.talking, *listening])}
        return scored, [places.get(face, NOBODY) for face in talkers.by_second.tolist()]

    def _score_together(
        self,
        path: str,
        footage: Footage,
        scored: Sequence["_ScoredFace"],
        store: CropStore,
        on_progress: OnProgress,
    ) -> VideoResult:
        """The result of the file: of its talking faces together.

        Those unlike the reference clips are left out, unless all are: they have no verdict.
        """
        talking = [each for each in scored if each.face.is_talking]
        judged = [each for each in talking if each.face.reason != "unlike_reference_clips"]
        talking = sorted(judged or talking, key=lambda each: each.heard.trimmed.first)
        tracks = [each.heard for each in talking]
        scores = talking[0].scores
        if len(talking) > 1:
            scores = self._clip_scorer.score(
                [each.clip for each in tracks],
                heard=[each.heard for each in tracks],
                on_progress=on_progress,
            )
        reason = talking[0].face.reason
        is_shared = reason in OBSTACLES and all(x.face.reason == reason for x in talking)
        why_not = reason if is_shared else None
        joint = outcome(scores, tracks, self.reference, why_not=why_not, remark=footage.remark)
        result = VideoResult(**joint.sync_fields(), path=path)
        if self._tolerance:
            known = [segment.offset_seconds for segment in joint.offsets]
            offsets = known if joint.offset_is_certain else None
            found = tolerated(self._tolerance, offsets)
            message = _joined(result.message, tolerance_text(found))
            result = dataclasses.replace(result, tolerance=found, message=message)
        timeline = make_timeline(scores, tracks, footage, store, is_realigned=result.is_realigned)
        return dataclasses.replace(result, timeline=timeline)


class _ScoredFace(NamedTuple):
    """A face with its result."""

    face: FaceResult
    heard: HeardTrack
    scores: JointScores


def _joined(message: str, remark: str) -> str:
    return "; ".join(text for text in (message, remark) if text)


def _long_clip(trimmed: TrimmedTrack, store: CropStore) -> LongClip:
    inner = slice(MARGIN_PIXELS, MARGIN_PIXELS + INPUT_PIXELS)

    def read(first: int, end: int) -> UInt8[np.ndarray, "t h w 1"]:
        return store.read(trimmed.places[first:end])[:, inner, inner]

    return LongClip(len(trimmed.places), read, trimmed.waveform)


def _face(
    result: SyncResult, track: MouthTrack, footage: Footage, *, is_talking: bool = False
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
