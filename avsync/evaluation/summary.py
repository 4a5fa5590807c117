"""From the lines of scores.jsonl to the numbers of metrics.json.

A line is one clip in one view: `clip_id`, `view` ("original" or "trimmed"), `label` (1 = fake),
`category`, `manipulation`, `offset_frames`, `status`, and `scores`, a number or None by name. None,
or a number that is not finite, is a clip that could not be scored; it is counted, never dropped.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from avsync.metrics import bootstrap
from avsync.types import CATEGORIES, FAKE, REAL

VIEWS = ("original", "trimmed")

Line = Mapping[str, Any]
Metrics = dict[str, Any]


class Scored(NamedTuple):
    """The clips that a score could be computed for, and how many it could not."""

    scores: Float[np.ndarray, " n"]
    is_fake: Bool[np.ndarray, " n"]
    num_unscored: int


def compute_metrics(lines: Iterable[Line], *, dataset: str, split: str, checkpoint: str) -> Metrics:
    """What metrics.json holds; ValueError if the lines contradict one another.

    `views`: by view and score, AUC and AP with their intervals, over all clips, and for each
    category and manipulation of fakes against all reals. `delta`: by score, AUC(original) minus
    AUC(trimmed) over the clips scored in both. `offsets`: by view, where the sound of the reals
    lies. `statuses`: by view, how many clips have which status.
    """
    views = by_view(lines)
    scores = score_names(views)
    kinds = {field: _kinds(views, field) for field in ("category", "manipulation")}
    return {
        "dataset": dataset,
        "split": split,
        "checkpoint": checkpoint,
        "views": {
            view: {score: _result_by_kind(clips, score, kinds=kinds) for score in scores}
            for view, clips in views.items()
        },
        "delta": {score: _delta(views, score) for score in scores},
        "offsets": {view: _offsets(clips) for view, clips in views.items()},
        "statuses": {
            view: dict(sorted(Counter(clip.get("status", "ok") for clip in clips).items()))
            for view, clips in views.items()
        },
        "interval": {
            "method": "percentile bootstrap over clips, stratified by label",
            "confidence": bootstrap.CONFIDENCE,
            "num_resamples": bootstrap.NUM_RESAMPLES,
        },
    }


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
    values, labels, num_unscored = [], [], 0
    for clip in clips:
        value = clip["scores"].get(score)
        if value is None or not math.isfinite(value):
            num_unscored += 1
        else:
            values.append(value)
            labels.append(clip["label"] == FAKE)
    return Scored(np.array(values, float), np.array(labels, bool), num_unscored)


def _result_by_kind(
    clips: Sequence[Line], score: str, *, kinds: Mapping[str, Sequence[str]]
) -> Metrics:
    def of_each(field: str) -> Metrics:
        return {
            kind: _result([c for c in clips if _kind(c, field) in (None, kind)], score)
            for kind in kinds[field]
        }

    return {
        **_result(clips, score),
        "by_category": of_each("category"),
        "by_manipulation": of_each("manipulation"),
    }


def _result(clips: Iterable[Line], score: str) -> Metrics:
    values, is_fake, num_unscored = scored(clips, score)
    auc, average_precision = bootstrap.ranking_quality(values, is_fake)
    return {
        "auc": auc.value,
        "auc_low": auc.low,
        "auc_high": auc.high,
        "ap": average_precision.value,
        "ap_low": average_precision.low,
        "ap_high": average_precision.high,
        "num_real": int(np.sum(~is_fake)),
        "num_fake": int(np.sum(is_fake)),
        "num_unscored": num_unscored,
        "note": auc.note,
    }


def _kinds(views: Mapping[str, Sequence[Line]], field: str) -> list[str]:
    """The kinds of fakes in any view: categories in their usual order, manipulations by name."""
    found = {_kind(clip, field) for clips in views.values() for clip in clips} - {None}
    usual = [category for category in CATEGORIES if category in found]
    return usual + sorted(kind for kind in found if kind and kind not in usual)


def _kind(clip: Line, field: str) -> str | None:
    """What kind of fake a clip is, "unknown" if nobody said; None for a real one."""
    return None if clip["label"] == REAL else clip.get(field) or "unknown"


def _delta(views: Mapping[str, Sequence[Line]], score: str) -> Metrics:
    pairs = [pair for pair in _pairs(views) if scored(pair, score).num_unscored == 0]
    before = scored([original for original, _ in pairs], score)
    after = scored([trimmed for _, trimmed in pairs], score)
    change = bootstrap.paired_auc_change(before.scores, after.scores, before.is_fake)
    num_clips = len({clip["clip_id"] for clips in views.values() for clip in clips})
    return {
        "auc_drop": change.value,
        "auc_drop_low": change.low,
        "auc_drop_high": change.high,
        "num_real": int(np.sum(~before.is_fake)),
        "num_fake": int(np.sum(before.is_fake)),
        "num_unpaired": num_clips - len(pairs),
        "note": change.note if len(views) == len(VIEWS) else "there is only one view",
    }


def _pairs(views: Mapping[str, Sequence[Line]]) -> list[tuple[Line, Line]]:
    """The original and the trimmed line of every clip that has both."""
    originals = {clip["clip_id"]: clip for clip in views.get("original", ())}
    pairs = [
        (originals[clip["clip_id"]], clip)
        for clip in views.get("trimmed", ())
        if clip["clip_id"] in originals
    ]
    for original, trimmed in pairs:
        if original["label"] != trimmed["label"]:
            raise ValueError(
                f"clip {original['clip_id']} has label {original['label']} in the original view "
                f"and {trimmed['label']} in the trimmed one; the lines are not of the same clips"
            )
    return pairs


def _offsets(clips: Iterable[Line]) -> Metrics:
    """Where real sound lies, in video frames, positive or negative as in `offset_frames`."""
    offsets = [clip.get("offset_frames") for clip in clips if clip["label"] == REAL]
    known = np.array([offset for offset in offsets if offset is not None], float)
    measured = len(known) > 0
    return {
        "exact": float(np.mean(known == 0)) if measured else None,
        "within_1_frame": float(np.mean(np.abs(known) <= 1)) if measured else None,
        "median_frames": float(np.median(known)) if measured else None,
        "num_real": len(known),
        "num_unmeasured": len(offsets) - len(known),
    }
