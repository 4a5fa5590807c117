"""Results of scoring a video: of each face, of the file, and over time for the picture."""

import dataclasses
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Int16, UInt8

from avsync import names
from avsync.scoring import MIN_DESYNC_FRAMES
from avsync.scoring.lse import Lse
from avsync.scoring.video.segments import Segment
from avsync.units import FRAMES_PER_SECOND

OK = "ok"

Verdict = Literal["consistent", "out_of_sync", "mismatched", "not_judged"]

# Fields that scores.json does not hold, or holds at another place.
NOT_IN_JSON = {"verdict", "offset_is_certain", "reference_offset_frames"}


class OffsetSegment(NamedTuple):
    """From `start` to `end` (seconds of the file) the sound is `offset_frames` late."""

    start: float
    end: float
    offset_frames: int

    def to_json(self) -> dict[str, Any]:
        return {
            "start": round(self.start, 3),
            "end": round(self.end, 3),
            "offset_frames": self.offset_frames,
            "offset_seconds": self.offset_frames / FRAMES_PER_SECOND,
        }


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class SyncResult:
    """Lip-sync scores of a face, or of all talking faces of a file; None where not scored.

    Attributes:
      score: grows with fakeness.
      p_value: share of reference clips that score at least as high, see `Reference.p_value`.
      offset_frames: A/V offset, +n means the sound is n frames late; the best single one if
        `offsets` has several.
      reference_offset_frames: the A/V offset of all reference clips; a file that has it, too, is in
        sync with its sound as far as they tell. Scores are those without it.
      offset_evidence: fit at `offsets` minus the fit of chance, in nats per frame. If it is not
        positive, the offset means nothing: the sound fits nowhere.
      offset_gain: fit at `offsets` minus the fit in sync, in nats summed over all frames.
      offsets: the offset of each part of the file, in order; one segment unless it changes.
      score_resynced, p_value_resynced: score and p-value after realignment by `offsets`.
      num_pieces: pieces, each about as long as a reference clip, that the p-value combines.
      status: "ok", or why there is no score; `message` says it in words.
      message: the verdict in words, or the reason for the status.
      verdict: "consistent", "out_of_sync", "mismatched" or "not_judged"; None without a score.
      offset_is_certain: True if the offsets can be trusted, see `Reference.is_certain`.
    """

    score: float | None = None
    p_value: float | None = None
    offset_frames: int | None = None
    reference_offset_frames: int = 0
    offset_evidence: float | None = None
    offset_gain: float | None = None
    offsets: tuple[OffsetSegment, ...] = ()
    score_resynced: float | None = None
    p_value_resynced: float | None = None
    num_pieces: int = 0
    status: str = OK
    message: str = ""
    verdict: Verdict | None = None
    offset_is_certain: bool = False

    @property
    def offset_seconds(self) -> float | None:
        """A/V offset in seconds; positive if the sound is late."""
        return None if self.offset_frames is None else self.offset_frames / FRAMES_PER_SECOND

    @property
    def relative_offset_frames(self) -> int | None:
        """A/V offset relative to that of the reference clips."""
        known = self.offset_frames
        return None if known is None else known - self.reference_offset_frames

    @property
    def fits_somewhere(self) -> bool:
        """True if the sound fits better than chance at its best offset."""
        return self.offset_evidence is not None and self.offset_evidence > 0

    @property
    def is_shifted(self) -> bool:
        """True if the sound fits best, and better than chance, out of sync; certain or not."""
        usual = self.reference_offset_frames
        shifts = [abs(segment.offset_frames - usual) for segment in self.offsets]
        return self.fits_somewhere and max(shifts, default=0) >= MIN_DESYNC_FRAMES

    def to_json(self) -> dict[str, Any]:
        """The fields of scores.json."""
        fields = {k: v for k, v in self.sync_fields().items() if k not in NOT_IN_JSON}
        return {
            **fields,
            "offsets": [segment.to_json() for segment in self.offsets],
            "offset_seconds": self.offset_seconds,
            "relative_offset_frames": self.relative_offset_frames,
            "offset_is_certain": self.offset_is_certain,
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

    evidence: per offset, `avsync.scoring.offset_evidence`.
    """

    start: float
    frame_scores: Float[np.ndarray, " t"]
    evidence: Float[np.ndarray, "t k"]

    @property
    def times(self) -> Float[np.ndarray, " t"]:
        """The time of each frame, in seconds of the file."""
        return self.start + np.arange(len(self.frame_scores)) / FRAMES_PER_SECOND


class Moment(NamedTuple):
    """One of the worst moments: its time, the mean score of the 0.8 s around it, and the crop."""

    seconds: float
    score: float
    crop: UInt8[np.ndarray, "96 96"]


class Timeline(NamedTuple):
    """Data for the picture of a file; `waveform` starts `start_seconds` into the file.

    support: the mean log-probability of each offset, from -reach to +reach.
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
      segments: the suspicious parts, whose smoothed frame scores exceed the threshold.
      timeline: data for the picture; None without a score.
      lse: the LSE of its talking faces together, if that was asked for.
    """

    path: str
    faces: tuple[FaceResult, ...] = ()
    segments: tuple[Segment, ...] = ()
    timeline: Timeline | None = None
    lse: Lse | None = None

    @property
    def is_scored(self) -> bool:
        return self.status == OK

    @property
    def is_realigned(self) -> bool:
        """True if frame scores and segments are those after realignment.

        This is the case if the sound is out of sync by a certain offset.
        """
        return self.is_shifted and self.offset_is_certain

    @property
    def frame_scores(self) -> Float[np.ndarray, " t"]:
        """The score of each frame of the talking faces, one face after the other.

        NaN for a frame whose sound, after realignment, lies beyond the file. Empty without a score.
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
            "segments": [
                {name: round(value, 3) for name, value in segment._asdict().items()}
                for segment in self.segments
            ],
            **_lse_entry(self.lse),
        }


def _lse_entry(lse: Lse | None) -> dict[str, Any]:
    """The entry "lse" of a file or a face; none if its LSE is unknown."""
    if lse is None:
        return {}
    offset_seconds = lse.offset_frames / FRAMES_PER_SECOND
    script = {"script_offset_frames": lse.script_offset_frames}
    return {"lse": {**lse._asdict(), "offset_seconds": offset_seconds, **script}}
