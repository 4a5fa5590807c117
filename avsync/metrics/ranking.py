"""The AUC of a score, and what every ranking needs: finite scores, clips of both classes.

Fake is the positive class; higher means more likely fake. `avsync.metrics.curves` has the other
metrics.

scikit-learn is imported in the function that needs it: scoring a file does without.
"""

import numpy as np
from jaxtyping import Bool, Float


def auc(scores: Float[np.ndarray, " n"], is_fake: Bool[np.ndarray, " n"]) -> float:
    """The probability that a fake scores higher than a real clip, ties counting half; in [0, 1].

    ValueError if a class is missing or a score is not finite.
    """
    require_both_classes(scores, is_fake)
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(is_fake, scores))


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
