"""Ranking of fakes above real clips by a score. Fake is positive; higher means more likely fake.

All metrics depend on the order of the scores alone. Each raises ValueError if a class is missing or
a score is not finite.
"""

import numpy as np
from jaxtyping import Bool, Float
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve
from sklearn.utils.class_weight import compute_sample_weight


def auc(scores: Float[np.ndarray, " n"], is_fake: Bool[np.ndarray, " n"]) -> float:
    """The probability that a fake scores higher than a real clip, ties counting half; in [0, 1]."""
    require_both_classes(scores, is_fake)
    return float(roc_auc_score(is_fake, scores))


def average_precision(scores: Float[np.ndarray, " n"], is_fake: Bool[np.ndarray, " n"]) -> float:
    """The precision at each threshold, weighted by the recall it adds; in (0, 1].

    At chance it is the share of fakes, so it compares only between test sets of the same mix.
    """
    require_both_classes(scores, is_fake)
    return float(average_precision_score(is_fake, scores))


def balanced_average_precision(
    scores: Float[np.ndarray, " n"], is_fake: Bool[np.ndarray, " n"]
) -> float:
    """The average precision if half of all clips were fake; 0.5 at chance for every mix.

    Sum over thresholds of (TPR - previous TPR) * TPR / (TPR + FPR): clips are weighted so that both
    classes have the same total. Unlike average precision, it compares test sets of different mixes.
    """
    require_both_classes(scores, is_fake)
    weights = compute_sample_weight("balanced", is_fake)
    return float(average_precision_score(is_fake, scores, sample_weight=weights))


def equal_error_rate(scores: Float[np.ndarray, " n"], is_fake: Bool[np.ndarray, " n"]) -> float:
    """The rate at which false positives equal misses; in [0, 1], 0 is best.

    The ROC curve is interpolated linearly between thresholds: with few clips, or ties, no threshold
    itself may have equal errors.
    """
    require_both_classes(scores, is_fake)
    false_positives, true_positives, _ = roc_curve(is_fake, scores, drop_intermediate=False)
    return float(np.interp(0, false_positives + true_positives - 1, false_positives))


def tpr_at_fpr(
    scores: Float[np.ndarray, " n"], is_fake: Bool[np.ndarray, " n"], *, max_fpr: float
) -> float:
    """The share of fakes detected by the best threshold with an FPR of at most `max_fpr`.

    An actual threshold, not interpolated: with fewer than 1 / `max_fpr` real clips it lies above
    them all. These real clips select it, so its FPR on new real clips is somewhat higher.
    """
    require_both_classes(scores, is_fake)
    false_positives, true_positives, _ = roc_curve(is_fake, scores, drop_intermediate=False)
    return float(np.max(true_positives[false_positives <= max_fpr]))


def require_both_classes(scores: Float[np.ndarray, " n"], is_fake: Bool[np.ndarray, " n"]) -> None:
    """ValueError unless every score is finite and both classes have clips."""
    require_finite(scores)
    for kind, of_kind in (("real", ~is_fake), ("fake", is_fake)):
        if not of_kind.any():
            raise ValueError(f"a ranking needs clips of both classes; there is no {kind} clip")


def require_finite(scores: Float[np.ndarray, " n"]) -> None:
    """ValueError if a score is not finite: NaN has no rank, and unscored clips must be counted."""
    broken = np.flatnonzero(~np.isfinite(scores))
    if broken.size:
        raise ValueError(
            f"scores: {broken.size} of {len(scores)} are not finite, the first is "
            f"{scores[broken[0]]} at index {broken[0]}. Leave those clips out and report how many."
        )
