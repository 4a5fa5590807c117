"""The lines of scores.jsonl, checked and sorted by view and score.

A line is one clip in one view: `clip_id`, `view` ("original" or "trimmed"), `label` (1 = fake),
`category`, `manipulation`, `identity`, `attributes` (what the dataset says beside, text by name),
`offset_frames` and `offset_margin` (avsync.scoring), `status`, and `scores`, a number or None by
name. None, or a number that is not finite, is a clip that could not be scored; it is counted, never
dropped. A `status` but "ok" says, with its `message`, why a clip is not judged: it has no p-value
and counts at no threshold. What scores it has all the same stay in the areas under curves, so that
these can be compared with those of others.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from avsync.types import FAKE, REAL

# The views of a report, and the rules of avsync.pp.silence that they stand for.
TRIMS = {"original": "none", "trimmed": "leading"}
VIEWS = tuple(TRIMS)

# The status of a clip that is judged.
OK = "ok"

Line = Mapping[str, Any]
Metrics = dict[str, Any]


class Scored(NamedTuple):
    """The clips that a score could be computed for, and how many it could not."""

    scores: Float[np.ndarray, " n"]
    is_fake: Bool[np.ndarray, " n"]
    num_unscored: int


def by_view(lines: Iterable[Line]) -> dict[str, list[Line]]:
    """The clips of each view, original first; ValueError if the lines are unsound."""
    views: dict[str, dict[str, Line]] = {view: {} for view in VIEWS}
    for line in lines:
        clip_id, view = line["clip_id"], line["view"]
        if view not in views:
            raise ValueError(f"clip {clip_id}: view must be one of {VIEWS}, got {view!r}")
        if line["label"] not in (REAL, FAKE):
            raise ValueError(f"clip {clip_id}: label must be 0 or 1, got {line['label']!r}")
        if clip_id in views[view]:
            raise ValueError(f"clip {clip_id} has two lines in view {view!r}; it must count once")
        views[view][clip_id] = line
    if not any(views.values()):
        raise ValueError("there are no scored clips: the split is empty, or nothing was evaluated")
    return {view: list(clips.values()) for view, clips in views.items() if clips}


def score_names(views: Mapping[str, Sequence[Line]]) -> list[str]:
    """The names of all scores, in the order of their first line."""
    return list(
        dict.fromkeys(n for clips in views.values() for clip in clips for n in clip["scores"])
    )


def scored(clips: Iterable[Line], score: str) -> Scored:
    """A score of the clips that have it."""
    clips = list(clips)
    with_score = [clip for clip in clips if is_scored(clip, score)]
    return Scored(
        scores=np.array([clip["scores"][score] for clip in with_score], float),
        is_fake=np.array([clip["label"] == FAKE for clip in with_score], bool),
        num_unscored=len(clips) - len(with_score),
    )


def is_scored(clip: Line, score: str) -> bool:
    """Whether a clip has a score that is a finite number."""
    value = clip["scores"].get(score)
    return value is not None and math.isfinite(value)


def identities(clips: Iterable[Line]) -> list[str] | None:
    """Who speaks in each clip; None unless it is known of all of them."""
    names = [clip.get("identity") or "" for clip in clips]
    return names if names and all(names) else None
