"""What is found of a file: what scores.json says, and what its picture is drawn from."""

import dataclasses
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int16, UInt8

from avsync.inspection.segments import Segment
from avsync.units import FRAMES_PER_SECOND

OK = "ok"


@dataclasses.dataclass(frozen=True)
class Finding:
    """The numbers of a face, or of all talking faces of a file; None where there is none.

    Attributes:
      score: grows with fakeness.
      p_value: how seldom real files look as fake, as `Reference.p_value`.
      num_pieces: of about the length of the real clips, that the p-value is made of.
      offset_frames: +n means that the sound comes n frames late.
      score_resynced, p_value_resynced: the same at that offset.
      status: "ok", or why there is no score; `message` is that in words.
    """

    score: float | None = None
    p_value: float | None = None
    offset_frames: int | None = None
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
        return dataclasses.asdict(self) | {"offset_seconds": self.offset_seconds}


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
    """The frame scores of a talking face, from `start` (seconds of the file) on."""

    start: float
    frame_scores: Float[np.ndarray, " t"]


class Moment(NamedTuple):
    """A mouth at one of the worst moments, and the mean score of the 0.8 s around it."""

    seconds: float
    score: float
    crop: UInt8[np.ndarray, "96 96"]


class Evidence(NamedTuple):
    """What the picture shows.

    `waveform` begins `start_seconds` into the file. Frame scores are those at `frame_offset`:
    0, or the offset of the file if the score is lower there.
    """

    waveform: Int16[np.ndarray, " s"]
    start_seconds: float
    stretches: list[Stretch]
    moments: list[Moment]
    support: Float[np.ndarray, " k"]
    frame_offset: int


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
