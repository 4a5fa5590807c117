"""What is found of a file: what scores.json says, and what its picture is drawn from."""

import dataclasses
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int16, UInt8

from avsync.scoring.video.segments import Segment
from avsync.units import FRAMES_PER_SECOND

OK = "ok"


class OffsetSpan(NamedTuple):
    """From `start` to `end` (seconds of the file) the sound comes `offset_frames` late."""

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


@dataclasses.dataclass(frozen=True)
class Finding:
    """The numbers of a face, or of all talking faces of a file; None where there is none.

    Attributes:
      score: grows with fakeness.
      p_value: how seldom real files look as fake, as `Reference.p_value`.
      num_pieces: of about the length of the real clips, that the p-value is made of.
      offset_frames: +n means that the sound comes n frames late; of the whole, if that changes.
      offset_evidence: how much likelier than by chance it is there, in nats a frame; if it is not
        above 0, the offset means nothing: lips and sound fit nowhere.
      offset_gain: how much likelier than where it is, in nats over all frames.
      offsets: where it has which offset, in order; one span unless it changes.
      score_resynced, p_value_resynced: the score and p-value with the sound moved by `offsets`.
      status: "ok", or why there is no score; `message` is that in words.
    """

    score: float | None = None
    p_value: float | None = None
    offset_frames: int | None = None
    offset_evidence: float | None = None
    offset_gain: float | None = None
    offsets: tuple[OffsetSpan, ...] = ()
    score_resynced: float | None = None
    p_value_resynced: float | None = None
    num_pieces: int = 0
    status: str = OK
    message: str = ""

    @property
    def offset_seconds(self) -> float | None:
        """How much later the sound comes than the lips."""
        return None if self.offset_frames is None else self.offset_frames / FRAMES_PER_SECOND

    def to_json(self) -> dict[str, Any]:
        """The fields and `offset_seconds`."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        spans = [span.to_json() for span in self.offsets]
        return {**fields, "offset_seconds": self.offset_seconds, "offsets": spans}


class Face(NamedTuple):
    """A face from `start` to `end` (seconds of the file), in `box`: left, top, right, bottom."""

    finding: Finding
    start: float
    end: float
    box: tuple[float, ...]
    is_talking: bool

    def to_json(self) -> dict[str, Any]:
        return {
            "start": round(self.start, 3),
            "end": round(self.end, 3),
            "box": [round(edge, 1) for edge in self.box],
            "is_talking": self.is_talking,
            **self.finding.to_json(),
        }


class Stretch(NamedTuple):
    """Of a talking face, from `start` (seconds of the file) on, what each frame says.

    evidence: of each offset, as `avsync.scoring.offset_evidence`.
    """

    start: float
    frame_scores: Float[np.ndarray, " t"]
    evidence: Float[np.ndarray, "t k"]


class Moment(NamedTuple):
    """A mouth at one of the worst moments, and the mean score of the 0.8 s around it."""

    seconds: float
    score: float
    crop: UInt8[np.ndarray, "96 96"]


class Evidence(NamedTuple):
    """What the picture shows.

    `waveform` begins `start_seconds` into the file. If the file `is_moved`, frame scores are those
    with the sound moved by its offsets, because those are believed.
    """

    waveform: Int16[np.ndarray, " s"]
    start_seconds: float
    stretches: list[Stretch]
    moments: list[Moment]
    support: Float[np.ndarray, " k"]
    is_moved: bool


class Inspection(NamedTuple):
    """A file as a whole: of its talking faces together. `evidence` is None without a score."""

    path: str
    finding: Finding
    faces: list[Face]
    segments: list[Segment]
    evidence: Evidence | None

    @property
    def is_scored(self) -> bool:
        return self.finding.status == OK

    def to_json(self) -> dict[str, Any]:
        """A line of scores.json, without the name of the picture."""
        return {
            "path": self.path,
            **self.finding.to_json(),
            "faces": [face.to_json() for face in self.faces],
            "segments": [
                {name: round(value, 3) for name, value in segment._asdict().items()}
                for segment in self.segments
            ],
        }
