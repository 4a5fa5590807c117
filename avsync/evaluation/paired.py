"""The same clips scored twice: in two views, by two scores, or by two checkpoints."""

from collections.abc import Iterable

import numpy as np

from avsync.evaluation.lines import Line, Metrics, identities, is_scored, scored
from avsync.metrics import bootstrap


def auc_change(
    before: Iterable[Line], after: Iterable[Line], *, before_score: str, after_score: str
) -> Metrics:
    """AUC(before) minus AUC(after) over the clips that have both, with its 95 % interval.

    `auc_drop` and its interval over clips; `over_identities`, the one over identities or None;
    `num_unpaired`, the clips that lack one of the two. `before` and `after` have a line for each
    clip. ValueError if they disagree on a label.
    """
    firsts = {clip["clip_id"]: clip for clip in before}
    seconds = {clip["clip_id"]: clip for clip in after}
    pairs = [(firsts[clip_id], seconds[clip_id]) for clip_id in firsts if clip_id in seconds]
    _require_same_labels(pairs)
    pairs = [
        (first, second)
        for first, second in pairs
        if is_scored(first, before_score) and is_scored(second, after_score)
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


def _require_same_labels(pairs: Iterable[tuple[Line, Line]]) -> None:
    for first, second in pairs:
        if first["label"] != second["label"]:
            raise ValueError(
                f"clip {first['clip_id']} has label {first['label']} in the {first['view']} view "
                f"and {second['label']} in the {second['view']} one; the lines are not of the "
                "same clips"
            )
