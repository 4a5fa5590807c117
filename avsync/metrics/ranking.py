"""How well a score ranks fakes above reals. Fake is positive; a higher score means more fake.

All depend on the scores through their order alone. Each raises ValueError if a class is missing or
a score is not finite.
"""

import numpy as np
from jaxtyping import Bool, Float
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve
from sklearn.utils.class_weight import compute_sample_weight


def auc(scores: Float[np.ndarray, " n"], is_fake: Bool[np.ndarray, " n"]) -> float:
    """The chance that a fake scores higher than a real, ties counting half; in [0, 1]."""
    require_both_classes(scores, is_fake)
    return float(roc_auc_score(is_fake, scores))


def average_precision(scores: Float[np.ndarray, " n"], is_fake: Bool[np.ndarray, " n"]) -> float:
    """The precision at each threshold, weighted by the recall it adds; in (0, 1].

    The share of fakes at chance, so it compares only over the same mix of clips.
    """
    require_both_classes(scores, is_fake)
    return float(average_precision_score(is_fake, scores))


def balanced_average_precision(
    scores: Float[np.ndarray, " n"], is_fake: Bool[np.ndarray, " n"]
) -> float:
    """The average precision if half of all clips were fake; 0.5 at chance, whatever the mix.

    Sum over thresholds of (TPR - previous TPR) * TPR / (TPR + FPR): every real weighs as much as
    there are fakes to a real, so that both classes have the same weight. Test sets of different
    mixes compare by it, where their average precisions do not.
    """
    require_both_classes(scores, is_fake)
    weights = compute_sample_weight("balanced", is_fake)
    return float(average_precision_score(is_fake, scores, sample_weight=weights))


def equal_error_rate(scores: Float[np.ndarray, " n"], is_fake: Bool[np.ndarray, " n"]) -> float:
    """The share of errors where reals are called fake as often as fakes real; in [0, 1], 0 is best.

    Between two thresholds the ROC curve is a straight line, as when a coin chooses between them:
    with few clips, or ties, no threshold itself may have equal errors.
    """
    require_both_classes(scores, is_fake)
    false_alarms, hits, _ = roc_curve(is_fake, scores, drop_intermediate=False)
    return float(np.interp(0, false_alarms + hits - 1, false_alarms))


def tpr_at_fpr(
    scores: Float[np.ndarray, " n"], is_fake: Bool[np.ndarray, " n"], *, max_fpr: float
) -> float:
    """The share of fakes found by the best threshold that at most `max_fpr` of the reals pass.

    A real threshold, not a point between two: with fewer than 1 / `max_fpr` reals it lies above
    them all. Those reals choose it, so a new real passes somewhat more often.
    """
    require_both_classes(scores, is_fake)
    false_alarms, hits, _ = roc_curve(is_fake, scores, drop_intermediate=False)
    return float(np.max(hits[false_alarms <= max_fpr]))


def require_both_classes(scores: Float[np.ndarray, " n"], is_fake: Bool[np.ndarray, " n"]) -> None:
    """ValueError unless every score is finite and there are both reals and fakes."""
    require_finite(scores)
    for kind, of_kind in (("real", ~is_fake), ("fake", is_fake)):
        if not of_kind.any():
            raise ValueError(f"a ranking needs clips of both classes; there is no {kind} clip")


def require_finite(scores: Float[np.ndarray, " n"]) -> None:
    """ValueError if a score is no number.

    NaN has no rank, and a clip left out must be counted by whoever leaves it out.
    """
    broken = np.flatnonzero(~np.isfinite(scores))
    if broken.size:
        raise ValueError(
            f"scores: {broken.size} of {len(scores)} are not finite, the first is "
            f"{scores[broken[0]]} at index {broken[0]}. Leave those clips out and report how many."
        )
