"""The lines of scores.jsonl: typed, written, read, and grouped by view and score.

This module needs neither JAX nor TensorFlow, so metrics.json can be recomputed from the files.
"""

import dataclasses
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from avsync.files import atomic_write, remove_unfinished
from avsync.types import FAKE, REAL

SCORES_FILE, FRAMES_FILE = "scores.jsonl", "frames.jsonl"

# The views of a report, and the rule of avsync.pp.silence that makes each.
TRIMS = {"original": "none", "trimmed": "leading"}
VIEWS = tuple(TRIMS)

# The status of a clip that can be judged.
OK = "ok"

# An object of metrics.json.
Metrics = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Line:
    """The scores of one clip in one view, and what is known about the clip.

    Attributes:
      clip_id: unique within the dataset.
      view: one of `VIEWS`.
      label: 0 real, 1 fake.
      category: one of `avsync.types.CATEGORIES`; "" if unknown.
      manipulation: how the fake was made; "real" or "" for a real clip.
      identity: the speaker; "" if unknown.
      source_clip: for a fake, the id of the real clip it was made from; else "".
      fake_segments: (start, end) in seconds of each forged segment, in the time of this view.
      attributes: further facts from the dataset, as text by name.
      num_frames: video frames of this view.
      offset_frames, offset_margin: see `avsync.scoring.offset`; None if not measured. They are
        those of the clip as it is stored, also where it was realigned to be scored.
      status: "ok", or why the clip is not judged. Such a clip is left out of every number (AUC,
        p-values, thresholds, offsets, localisation) and counted beside it; `scores` keep what the
        model gave it.
      message: the status in words.
      scores: by name; None or a non-finite number where the clip could not be scored. Unscored
        clips are counted, never dropped.
      poolings: the clip score by name of pooling; empty if not scored.
      is_calibrated: whether p-values were computed; scores.jsonl has the key "p_value" only then.
      p_value: None if the clip is not judged, or is in a view without calibration.

    ValueError if the view or the label is unknown.
    """

    clip_id: str
    view: str
    label: int
    category: str = ""
    manipulation: str = ""
    identity: str = ""
    source_clip: str = ""
    fake_segments: Sequence[Sequence[float]] = ()
    attributes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    num_frames: int = 0
    offset_frames: int | None = None
    offset_margin: float | None = None
    status: str = OK
    message: str = ""
    scores: Mapping[str, float | None] = dataclasses.field(default_factory=dict)
    poolings: Mapping[str, float] = dataclasses.field(default_factory=dict)
    is_calibrated: bool = False
    p_value: float | None = None

    def __post_init__(self) -> None:
        if self.view not in VIEWS:
            raise ValueError(f"clip {self.clip_id}: view must be one of {VIEWS}, got {self.view!r}")
        if self.label not in (REAL, FAKE):
            raise ValueError(f"clip {self.clip_id}: label must be 0 or 1, got {self.label!r}")

    @property
    def is_real(self) -> bool:
        """True if the clip is labelled real."""
        return self.label == REAL

    @property
    def is_judged(self) -> bool:
        """True if the clip has enough frames and sound to be judged."""
        return self.status == OK

    def score(self, name: str) -> float | None:
        """The score of that name; None unless it is a finite number and the clip is judged."""
        value = self.scores.get(name) if self.is_judged else None
        return value if value is not None and math.isfinite(value) else None

    def replace(self, **changes: Any) -> "Line":
        """A copy with these fields changed."""
        return dataclasses.replace(self, **changes)

    def to_json(self) -> dict[str, Any]:
        """The object that scores.jsonl holds."""
        record = {field: getattr(self, field) for field in REQUIRED_FIELDS}
        return {**record, "p_value": self.p_value} if self.is_calibrated else record

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Line":
        """The line of such an object; ValueError naming missing and unknown fields."""
        missing = [field for field in REQUIRED_FIELDS if field not in record]
        unknown = [field for field in record if field not in (*REQUIRED_FIELDS, "p_value")]
        if missing or unknown:
            raise ValueError(f"missing fields {missing}, unknown fields {unknown}")
        return cls(**record, is_calibrated="p_value" in record)


REQUIRED_FIELDS = tuple(
    field.name
    for field in dataclasses.fields(Line)
    if field.name not in ("is_calibrated", "p_value")
)


class Scored(NamedTuple):
    """One score of the clips that have it, and the number of clips without it."""

    scores: Float[np.ndarray, " n"]
    is_fake: Bool[np.ndarray, " n"]
    num_unscored: int


def write_lines(
    lines: Sequence[Line], frame_scores: Sequence[Sequence[float]], out_dir: Path
) -> None:
    """Writes `out_dir`/scores.jsonl and frames.jsonl, each complete or absent."""
    out_dir.mkdir(parents=True, exist_ok=True)
    remove_unfinished(out_dir)
    frames = [
        {"clip_id": line.clip_id, "view": line.view, "frame_scores": scores}
        for line, scores in zip(lines, frame_scores, strict=True)
    ]
    for file, records in (
        (SCORES_FILE, [line.to_json() for line in lines]),
        (FRAMES_FILE, frames),
    ):
        text = "".join(json.dumps(record, allow_nan=False) + "\n" for record in records)
        atomic_write(out_dir / file, text)


def read_lines(path: Path) -> list[Line]:
    """The lines of a scores.jsonl; ValueError naming the file and the line that is broken."""
    lines = []
    with path.open(encoding="utf-8") as file:
        for number, text in enumerate(file, start=1):
            try:
                lines.append(Line.from_json(json.loads(text)))
            except (TypeError, ValueError) as error:
                raise ValueError(
                    f"{path}:{number} is not a line of scores.jsonl: {error}"
                ) from error
    return lines


def view_of(trim: str) -> str:
    """The view that a rule of avsync.pp.silence makes."""
    (view,) = (view for view, rule in TRIMS.items() if rule == trim)
    return view


def by_view(lines: Iterable[Line]) -> dict[str, list[Line]]:
    """The clips of each view, original first; ValueError on duplicates or no lines."""
    views: dict[str, dict[str, Line]] = {view: {} for view in VIEWS}
    for line in lines:
        if line.clip_id in views[line.view]:
            raise ValueError(
                f"clip {line.clip_id} has two lines in view {line.view!r}; it must count once"
            )
        views[line.view][line.clip_id] = line
    if not any(views.values()):
        raise ValueError("no scored clips: the split is empty, or nothing was evaluated")
    return {view: list(clips.values()) for view, clips in views.items() if clips}


def score_names(views: Mapping[str, Sequence[Line]]) -> list[str]:
    """The names of all scores, in order of appearance."""
    return list(dict.fromkeys(n for clips in views.values() for clip in clips for n in clip.scores))


def scored(clips: Iterable[Line], score: str) -> Scored:
    """The values of a score over the clips that have it."""
    clips = list(clips)
    values = [clip.score(score) for clip in clips]
    known = [
        (value, clip.label) for value, clip in zip(values, clips, strict=True) if value is not None
    ]
    return Scored(
        scores=np.array([value for value, _ in known], float),
        is_fake=np.array([label == FAKE for _, label in known], bool),
        num_unscored=len(clips) - len(known),
    )


def offsets_of_reals(lines: Iterable[Line]) -> tuple[Int[np.ndarray, " n"], int]:
    """The A/V offsets of the real clips in frames, and the number of real clips without one.

    Those of the trimmed view where there is one. Clips that are not judged, or are too short for
    their offset, have none.
    """
    views = by_view(lines)
    reals = [line for line in views.get("trimmed", views.get("original", [])) if line.is_real]
    known = [x.offset_frames for x in reals if x.is_judged and x.offset_frames is not None]
    return np.array(known, int), len(reals) - len(known)


def identities(clips: Iterable[Line]) -> list[str] | None:
    """The speaker of each clip; None unless all are known."""
    names = [clip.identity for clip in clips]
    return names if names and all(names) else None
