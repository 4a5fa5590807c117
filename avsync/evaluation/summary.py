"""The numbers of metrics.json, computed from the lines of scores.jsonl."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from avsync.evaluation import comparisons, localisation, results
from avsync.evaluation.calibration import Calibration, threshold_report
from avsync.evaluation.lines import (
    VIEWS,
    Line,
    Metrics,
    by_view,
    identities,
    offsets_of_reals,
    score_names,
)
from avsync.metrics import bootstrap
from avsync.metrics.corpus_offset import corpus_offset

# An attribute with more values identifies clips rather than groups: a file name, a date.
MAX_GROUPS = 20


def compute_metrics(
    lines: Iterable[Line],
    *,
    dataset: str,
    split: str,
    checkpoint: str,
    frame_scores: Sequence[Sequence[float]] | None = None,
    calibration: Calibration | None = None,
    compared_with: str = "alignment",
    fabricated: Metrics | None = None,
    realigned_frames: int = 0,
) -> Metrics:
    """The content of metrics.json; ValueError if the lines contradict one another.

    views: by view, see `results.of_view`.
    delta: by score, AUC(original) minus AUC(trimmed) over the clips scored in both.
    compared_with, differences: by view and score, AUC of the score `compared_with` minus the AUC of
      this score, paired.
    poolings: see `comparisons.compare_poolings`.
    localisation: see `localisation.localise`; empty without `frame_scores`, one list per line.
    calibration: see `calibration.threshold_report`; None without a `calibration`.
    offsets: by view, the A/V offsets of the real clips, as they are stored.
    corpus_offset: the `CorpusOffset` that they share, and `realigned_frames`, by which the sound of
      all clips was moved to be scored.
    statuses: by view, the number of clips with each status.
    fabricated: what fakes were made of the clips, see `avsync.evaluation.clip_sets`; None for
      those of the dataset.
    attributes_left_out: attributes with more than `MAX_GROUPS` values.
    interval: how the intervals were computed.
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
        "fabricated": fabricated,
        "views": {
            view: results.of_view(clips, scores, kinds=kinds, attributes=groups)
            for view, clips in views.items()
        },
        "delta": {score: _delta(views, score) for score in scores},
        "compared_with": compared_with,
        "differences": {
            view: _differences(clips, scores, compared_with) for view, clips in views.items()
        },
        "poolings": comparisons.compare_poolings(views),
        "localisation": localisation.localise(lines, frame_scores) if frame_scores else {},
        "calibration": threshold_report(lines, calibration) if calibration else None,
        "offsets": {view: _offsets(clips) for view, clips in views.items()},
        "corpus_offset": {
            **corpus_offset(*offsets_of_reals(all_lines))._asdict(),
            "realigned_frames": realigned_frames,
        },
        "statuses": {
            view: dict(sorted(Counter(clip.status for clip in clips).items()))
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
    change = comparisons.auc_change(original, trimmed, before_score=score, after_score=score)
    return change if len(views) == len(VIEWS) else {**change, "note": "only one view"}


def _differences(clips: Sequence[Line], scores: Sequence[str], compared_with: str) -> Metrics:
    if compared_with not in scores:
        return {}
    return {
        score: comparisons.auc_change(clips, clips, before_score=compared_with, after_score=score)
        for score in scores
        if score != compared_with
    }


def _over_identities(lines: Sequence[Line]) -> str:
    """The method of the intervals called `over_identities`, or the reason for having none."""
    if identities(lines):
        return (
            "percentile bootstrap over identities, each drawn with all of its clips, stratified by "
            "whether an identity has real clips, fake clips or both"
        )
    num_unknown = len({line.clip_id for line in lines if not line.identity})
    return f"none, because the speaker of {num_unknown} clips is unknown"


def _offsets(clips: Iterable[Line]) -> Metrics:
    """The offsets of real clips in video frames, with the sign of `offset_frames`.

    num_unmeasured: the real clips that are not judged, or are too short for their offset.
    """
    offsets = [clip.offset_frames if clip.is_judged else None for clip in clips if clip.is_real]
    known = np.array([offset for offset in offsets if offset is not None], float)
    is_measured = len(known) > 0
    return {
        "exact": float(np.mean(known == 0)) if is_measured else None,
        "within_1_frame": float(np.mean(np.abs(known) <= 1)) if is_measured else None,
        "median_frames": float(np.median(known)) if is_measured else None,
        "num_real": len(known),
        "num_unmeasured": len(offsets) - len(known),
    }
