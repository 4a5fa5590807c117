"""Comparisons over the same clips: two views, two scores, two checkpoints, or all poolings."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from avsync.evaluation.lines import Line, Metrics, identities, scored
from avsync.metrics import bootstrap
from avsync.types import FAKE


class Pair(NamedTuple):
    """The lines of one clip in the two views."""

    original: Line
    trimmed: Line


class TrimmingEffect(NamedTuple):
    """The effect of trimming on a score, over the clips scored in both views.

    median_change_real, median_change_fake: trimmed minus original; None without such clips.
    rank_correlation: Spearman's, of the two views over all clips; None if a view is constant.
    """

    num_real: int
    num_fake: int
    median_change_real: float | None
    median_change_fake: float | None
    rank_correlation: float | None


def paired_views(views: Mapping[str, Sequence[Line]], score: str) -> list[Pair]:
    """The clips with this score in both views; none if there is only one view."""
    if len(views) < len(Pair._fields):
        return []
    originals, trimmed = (
        {clip.clip_id: clip for clip in views[view] if clip.score(score) is not None}
        for view in Pair._fields
    )
    return [Pair(clip, trimmed[name]) for name, clip in originals.items() if name in trimmed]


def trimming_effect(pairs: Sequence[Pair], score: str) -> TrimmingEffect:
    """The change of the score from the original to the trimmed view of these clips."""
    original, is_fake, _ = scored([pair.original for pair in pairs], score)
    trimmed = scored([pair.trimmed for pair in pairs], score).scores
    change = trimmed - original
    varies = all(len(set(values.tolist())) > 1 for values in (original, trimmed))
    correlation: Any = stats.spearmanr(original, trimmed) if varies else None
    return TrimmingEffect(
        num_real=int(np.sum(~is_fake)),
        num_fake=int(np.sum(is_fake)),
        median_change_real=None if is_fake.all() else float(np.median(change[~is_fake])),
        median_change_fake=float(np.median(change[is_fake])) if is_fake.any() else None,
        rank_correlation=float(correlation.statistic) if varies else None,
    )


def auc_change(
    before: Iterable[Line], after: Iterable[Line], *, before_score: str, after_score: str
) -> Metrics:
    """AUC(before) minus AUC(after) over the clips that have both scores, with a 95% interval.

    auc_drop, auc_drop_low, auc_drop_high: the difference and its interval over clips.
    over_identities: the interval over identities; None if an identity is unknown.
    num_unpaired: clips that lack one of the two scores.

    `before` and `after` have one line per clip each. ValueError if they disagree on a label.
    """
    firsts = {clip.clip_id: clip for clip in before}
    seconds = {clip.clip_id: clip for clip in after}
    pairs = [(firsts[clip_id], seconds[clip_id]) for clip_id in firsts if clip_id in seconds]
    _require_same_labels(pairs)
    pairs = [
        (first, second)
        for first, second in pairs
        if first.score(before_score) is not None and second.score(after_score) is not None
    ]
    values, is_fake, _ = scored([first for first, _ in pairs], before_score)
    changed = scored([second for _, second in pairs], after_score).scores
    change = bootstrap.paired_auc_change(values, changed, is_fake)
    over_identities = None
    if speakers := identities(first for first, _ in pairs):
        by_speaker = bootstrap.paired_auc_change(values, changed, is_fake, identities=speakers)
        over_identities = {
            "num_identities": len(set(speakers)),
            "auc_drop_low": by_speaker.low,
            "auc_drop_high": by_speaker.high,
            "note": by_speaker.note,
        }
    return {
        "auc_drop": change.value,
        "auc_drop_low": change.low,
        "auc_drop_high": change.high,
        "num_real": int(np.sum(~is_fake)),
        "num_fake": int(np.sum(is_fake)),
        "num_unpaired": len(firsts.keys() | seconds.keys()) - len(pairs),
        "note": change.note,
        "over_identities": over_identities,
    }


def compare_poolings(views: Mapping[str, Sequence[Line]]) -> Metrics:
    """The AUC of each pooling with its interval, and its correlation with clip length, by view.

    `length_correlation` is Spearman's, of the score with the number of frames over the real clips.
    A score that grows with length separates long clips from short ones, which passes for detection
    in a dataset with longer fakes. None if all real clips have one length, or one score.
    `num_unscored` counts the clips that are not judged.
    """
    return {view: _poolings(clips) for view, clips in views.items()}


def _poolings(in_view: Sequence[Line]) -> Metrics:
    clips = [clip for clip in in_view if clip.poolings and clip.is_judged]
    names = list(dict.fromkeys(name for clip in clips for name in clip.poolings))
    is_fake = np.array([clip.label == FAKE for clip in clips], bool)
    lengths = np.array([clip.num_frames for clip in clips if clip.is_real])
    by_name = np.array([[clip.poolings[name] for clip in clips] for name in names], float)
    by_name = by_name.reshape(len(names), len(clips))
    results = {}
    qualities = bootstrap.ranking_qualities(by_name, is_fake)
    for name, scores, quality in zip(names, by_name, qualities, strict=True):
        auc = quality.auc
        real_scores = scores[~is_fake]
        varies = len(set(lengths.tolist())) > 1 and len(set(real_scores.tolist())) > 1
        correlation: Any = stats.spearmanr(real_scores, lengths) if varies else None
        results[name] = {
            "auc": auc.value,
            "auc_low": auc.low,
            "auc_high": auc.high,
            "note": auc.note,
            "length_correlation": float(correlation.statistic) if varies else None,
            "num_real": len(lengths),
            "num_fake": int(is_fake.sum()),
            "num_unscored": len(in_view) - len(clips),
        }
    return results


def _require_same_labels(pairs: Iterable[tuple[Line, Line]]) -> None:
    for first, second in pairs:
        if first.label != second.label:
            raise ValueError(
                f"clip {first.clip_id} has label {first.label} in the {first.view} view and "
                f"{second.label} in the {second.view} view; both must be lines of the same clips"
            )
