"""Results of scoring a video: of each face, of the file, and over time for the picture."""

import dataclasses
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Int16, UInt8

from avsync import names
from avsync.scoring import MIN_DESYNC_FRAMES
from avsync.scoring.lse import Lse
from avsync.scoring.video.segments import Segment
from avsync.scoring.video.tolerance import Tolerated
from avsync.units import FRAMES_PER_SECOND

OK = "ok"

Verdict = Literal["consistent", "partly_mismatched", "mismatched", "out_of_sync", "not_judged"]

# Why there is no verdict, or none on the fit after realignment.
Reason = Literal[
    "low_frame_rate",
    "another_face_talks",
    "voice_over",
    "too_few_reference_clips",
    "unlike_reference_clips",
    "nothing_left",
]

# The error of an offset between frames is about a millisecond.
OFFSET_DIGITS = 3


class OffsetSegment(NamedTuple):
    """From `start` to `end` (seconds of the file) the sound is `offset_frames` late.

    exact_frames: the offset between frames; None where it is not known.
    """

    start: float
    end: float
    offset_frames: int
    exact_frames: float | None = None

    @property
    def offset_seconds(self) -> float:
        """The offset in seconds, exact where that is known; positive if the sound is late."""
        frames = self.offset_frames if self.exact_frames is None else self.exact_frames
        return round(frames / FRAMES_PER_SECOND, OFFSET_DIGITS)

    def earlier(self, frames: int) -> "OffsetSegment":
        """The same with the sound so many frames earlier."""
        exact = None if self.exact_frames is None else self.exact_frames - frames
        return self._replace(offset_frames=self.offset_frames - frames, exact_frames=exact)

    def to_json(self) -> dict[str, Any]:
        return {
            "start": round(self.start, 3),
            "end": round(self.end, 3),
            "offset_frames": self.offset_frames,
            "offset_seconds": self.offset_seconds,
        }


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class SyncResult:
    """Lip sync of a face, or of all talking faces of a file; None where not scored.

    Attributes:
      status: "ok", or why there is no score; `message` says it in words.
      verdict: see `avsync.scoring.video.decision`; None without a score.
      reason: why it is not judged; where it is out of sync, why the fit after realignment is not.
      message: the verdict in words, or the reason for the status.
      score: grows with fakeness.
      p_value: how rare such a score is among the reference clips, see `Reference.p_value`.
      offset_frames: A/V offset, +n means the sound is n frames late; the best single one if
        `offsets` has several.
      reference_offset_frames: the A/V offset of all reference clips; a file that has it, too, is in
        sync with its sound as far as they tell. Scores are those without it.
      offset_seconds: `offset_frames` between frames.
      offset_is_certain: True if the offsets are known, whether the sound fits there or not;
        otherwise they are guesses.
      offset_nats: evidence for `offset_frames` over chance, in nats.
      offsets: the offset of each part of the file, in order; one segment unless it changes.
      drift_ms_per_minute: how the offset of a long file grows, see `avsync.scoring.drift`.
      score_resynced, p_value_resynced: score and p-value after realignment by `offsets`.
      num_pieces: pieces, each about as long as a reference clip, that the p-value combines.
      scored_share: the share of the frames whose scores count, those with speech.
      segments: the parts that do not fit, after realignment if it is out of sync.
      mismatched_share: their share of the frames whose scores count.
      rest_fits: True if the lips fit their sound, by evidence and not for lack of it, outside of
        the segments.
      unlike: "mouths" and "voices", where these are unlike those of the reference clips.
    """

    status: str = OK
    verdict: Verdict | None = None
    reason: Reason | None = None
    message: str = ""
    score: float | None = None
    p_value: float | None = None
    offset_frames: int | None = None
    reference_offset_frames: int = 0
    offset_seconds: float | None = None
    offset_is_certain: bool = False
    offset_nats: float | None = None
    offsets: tuple[OffsetSegment, ...] = ()
    drift_ms_per_minute: float | None = None
    score_resynced: float | None = None
    p_value_resynced: float | None = None
    num_pieces: int = 0
    scored_share: float | None = None
    segments: tuple[Segment, ...] = ()
    mismatched_share: float | None = None
    rest_fits: bool = False
    unlike: tuple[str, ...] = ()

    @property
    def relative_offset_frames(self) -> int | None:
        """A/V offset relative to that of the reference clips."""
        known = self.offset_frames
        return None if known is None else known - self.reference_offset_frames

    @property
    def is_shifted(self) -> bool:
        """True if the sound lies out of sync, as the reference clips have it, by a known offset."""
        usual = self.reference_offset_frames
        shifts = [abs(segment.offset_frames - usual) for segment in self.offsets]
        return self.offset_is_certain and max(shifts, default=0) >= MIN_DESYNC_FRAMES

    def to_json(self) -> dict[str, Any]:
        """The fields of a record."""
        return {
            **{k: v for k, v in self.sync_fields().items() if k != "reference_offset_frames"},
            "offsets": [segment.to_json() for segment in self.offsets],
            "segments": [
                {name: round(value, 3) for name, value in segment._asdict().items()}
                for segment in self.segments
            ],
            "unlike": list(self.unlike),
            "relative_offset_frames": self.relative_offset_frames,
        }

    def sync_fields(self) -> dict[str, Any]:
        """The fields of `SyncResult`, to make a `FaceResult` or `VideoResult` of it."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(SyncResult)}


def _no_outlines() -> Float32[np.ndarray, "0 4"]:
    return np.zeros((0, 4), np.float32)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class FaceResult(SyncResult):
    """A face visible from `start` to `end`, in seconds of the file.

    Attributes:
      box: its median bounding box in pixels: left, top, right, bottom.
      is_talking: True if its score is part of the file's.
      outlines: of its landmarks in each frame from `start` on, see `MouthTrack.outline_boxes`.
      lse: its LSE, if that was asked for.
    """

    start: float
    end: float
    box: tuple[float, ...]
    is_talking: bool
    outlines: Float32[np.ndarray, "t 4"] = dataclasses.field(default_factory=_no_outlines)
    lse: Lse | None = None

    def to_json(self) -> dict[str, Any]:
        """An entry of "faces" in scores.json."""
        return {
            "start": round(self.start, 3),
            "end": round(self.end, 3),
            "box": [round(edge, 1) for edge in self.box],
            "is_talking": self.is_talking,
            **super().to_json(),
            **_lse_entry(self.lse),
        }


class TrackScores(NamedTuple):
    """Frame scores of one talking face, from `start` (seconds of the file) on.

    gains: evidence for each offset, see `avsync.scoring.offset_gain.candidate_gains`.
    """

    start: float
    frame_scores: Float[np.ndarray, " t"]
    gains: Float[np.ndarray, "t k"]

    @property
    def times(self) -> Float[np.ndarray, " t"]:
        """The time of each frame, in seconds of the file."""
        return self.start + np.arange(len(self.frame_scores)) / FRAMES_PER_SECOND


class Moment(NamedTuple):
    """One of the worst moments: its time, the mean score of the 0.4 s around it, and the crop."""

    seconds: float
    score: float
    crop: UInt8[np.ndarray, "96 96"]


class Timeline(NamedTuple):
    """Data for the picture of a file; `waveform` starts `start_seconds` into the file.

    support: the evidence for each offset from -reach to +reach, in nats per frame over chance.
    """

    waveform: Int16[np.ndarray, " s"]
    start_seconds: float
    tracks: list[TrackScores]
    moments: list[Moment]
    support: Float[np.ndarray, " k"]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class VideoResult(SyncResult):
    """A scored file: its talking faces together.

    Attributes:
      faces: every face, the talking ones first.
      who_talks: for each second of the file, the index of the face whose lips fit the speech in it;
        None where there is no speech, or it fits nobody.
      tolerance: whether its offset is tolerated, if that was asked for.
      timeline: data for the picture; None without a score.
      lse: the LSE of its talking faces together, if that was asked for.
    """

    path: str
    faces: tuple[FaceResult, ...] = ()
    who_talks: tuple[int | None, ...] = ()
    tolerance: Tolerated | None = None
    timeline: Timeline | None = None
    lse: Lse | None = None

    @property
    def is_scored(self) -> bool:
        return self.status == OK

    @property
    def is_realigned(self) -> bool:
        """True if frame scores and segments are those after realignment: it is out of sync."""
        return self.is_shifted

    @property
    def frame_scores(self) -> Float[np.ndarray, " t"]:
        """The score of each frame of the talking faces, one face after the other.

        NaN for a frame without speech, and for one whose sound, after realignment, lies beyond the
        file. Empty without a score.
        """
        tracks = self.timeline.tracks if self.timeline else []
        return np.concatenate([np.zeros(0, np.float32), *[t.frame_scores for t in tracks]])

    @property
    def frame_times(self) -> Float[np.ndarray, " t"]:
        """The time of each of `frame_scores`, in seconds of the file."""
        tracks = self.timeline.tracks if self.timeline else []
        return np.concatenate([np.zeros(0), *[track.times for track in tracks]])

    def to_json(self) -> dict[str, Any]:
        """The file's entry in scores.json, without the name of the picture."""
        return {
            "path": names.portable(self.path),
            **super().to_json(),
            "faces": [face.to_json() for face in self.faces],
            "who_talks": list(self.who_talks),
            **({} if self.tolerance is None else {"tolerance": self.tolerance.to_json()}),
            **_lse_entry(self.lse),
        }


def _lse_entry(lse: Lse | None) -> dict[str, Any]:
    """The entry "lse" of a file or a face; none if its LSE is unknown."""
    if lse is None:
        return {}
    offset_seconds = lse.offset_frames / FRAMES_PER_SECOND
    script = {"script_offset_frames": lse.script_offset_frames}
    return {"lse": {**lse._asdict(), "offset_seconds": offset_seconds, **script}}
