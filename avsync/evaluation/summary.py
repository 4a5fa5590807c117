"""From the lines of scores.jsonl to the numbers of metrics.json."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from avsync.evaluation import calibrated, localised, paired, pooled, results
from avsync.evaluation.lines import VIEWS, Line, Metrics, by_view, identities, score_names
from avsync.metrics import bootstrap
from avsync.types import REAL

# An attribute with more values tells clips apart, not groups: a file name, a date.
MAX_GROUPS = 20


def compute_metrics(
    lines: Iterable[Line],
    *,
    dataset: str,
    split: str,
    checkpoint: str,
    frame_scores: Sequence[Sequence[float]] | None = None,
    calibration: Mapping[str, Any] | None = None,
    compared_with: str = "alignment",
) -> Metrics:
    """What metrics.json holds; ValueError if the lines contradict one another.

    `views`: by view and score, what `results.result` says of all clips, of each category and
    manipulation of fakes against all reals, and of each value of an attribute. `delta`: by score,
    AUC(original) minus AUC(trimmed) over the clips scored in both. `offsets`: by view, where the
    sound of the reals lies. `statuses`: by view, how many clips have which status.
    `attributes_left_out`: those of more than `MAX_GROUPS` values. `interval`: how the intervals
    were made.

    `differences`: by view and score, AUC of the score `compared_with` minus its own, paired.
    `poolings`: see `pooled`. `localisation`: see `localised`, where the `frame_scores` of each line
    are given. `calibration`: see `calibrated`, None without the reals of a `calibration`.
    """
    lines = list(lines)
    views = by_view(lines)
    all_lines = [line for clips in views.values() for line in clips]
    kinds = {field: results.known_kinds(all_lines, field) for field in ("category", "manipulation")}
    attributes = results.attribute_values(all_lines)
    groups = {name: values for name, values in attributes.items() if len(values) <= MAX_GROUPS}
    scores = score_names(views)
    return {
        "dataset": dataset,
        "split": split,
        "checkpoint": checkpoint,
        "views": {
            view: {
                score: {
                    **results.result(clips, score),
                    **{
                        f"by_{field}": results.by_kind(clips, score, field=field, kinds=known)
                        for field, known in kinds.items()
                    },
                    "by_attribute": results.by_attribute(clips, score, attributes=groups),
                }
                for score in scores
            }
            for view, clips in views.items()
        },
        "delta": {score: _delta(views, score) for score in scores},
        "compared_with": compared_with,
        "differences": {
            view: _differences(clips, scores, compared_with) for view, clips in views.items()
        },
        "poolings": pooled.compare_poolings(views),
        "localisation": localised.localise(lines, frame_scores) if frame_scores else {},
        "calibration": calibrated.promises(lines, calibration) if calibration else None,
        "offsets": {view: _offsets(clips) for view, clips in views.items()},
        "statuses": {
            view: dict(sorted(Counter(clip.get("status", "ok") for clip in clips).items()))
            for view, clips in views.items()
        },
        "attributes_left_out": {
            name: f"{len(values)} values"
            for name, values in attributes.items()
            if name not in groups
        },
        "interval": {
            "method": "percentile bootstrap over clips, stratified by label",
            "confidence": bootstrap.CONFIDENCE,
            "num_resamples": bootstrap.NUM_RESAMPLES,
            "over_identities": _over_identities(all_lines),
        },
    }


def _delta(views: Mapping[str, Sequence[Line]], score: str) -> Metrics:
    original, trimmed = (views.get(view, ()) for view in VIEWS)
    change = paired.auc_change(original, trimmed, before_score=score, after_score=score)
    return change if len(views) == len(VIEWS) else {**change, "note": "there is only one view"}


def _differences(clips: Sequence[Line], scores: Sequence[str], compared_with: str) -> Metrics:
    if compared_with not in scores:
        return {}
    return {
        score: paired.auc_change(clips, clips, before_score=compared_with, after_score=score)
        for score in scores
        if score != compared_with
    }


def _over_identities(lines: Sequence[Line]) -> str:
    """How the intervals called `over_identities` were made, or why there are none."""
    if identities(lines):
        return (
            "percentile bootstrap over identities, each drawn with all of its clips; identities "
            "of reals alone, of fakes alone and of both are drawn apart"
        )
    num_unknown = len({line["clip_id"] for line in lines if not line.get("identity")})
    return f"none: of {num_unknown} clips it is not known who speaks"


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
