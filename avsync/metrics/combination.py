"""One p-value for the many pieces of a file, and the pieces that are the reason for it.

Simes' rule has power for one forged piece among many as for many slightly suspicious ones, and
needs no share of the budget for either. P-values that are compared with the same calibration clips
are positively dependent in the sense that it needs (Bates, Candes, Lei, Romano & Sesia, Testing for
outliers with conformal p-values, Ann. Statist. 2023, theorem 2), and so are the pieces of one
talker, who fits a little worse or better all the time. `tests/benchmarks/verdicts.py` compares it
with other rules.
"""

import numpy as np
from jaxtyping import Bool, Float


def simes(p_values: Float[np.ndarray, " m"]) -> float:
    """The smallest of m / i times the i-th smallest p-value: P(result <= a) <= a at every a.

    For p-values of which each is valid, independent or positively dependent. With one piece it is
    its own p-value. Simes, An improved Bonferroni procedure, Biometrika 1986. There must be one.
    """
    ascending = np.sort(p_values)
    return float((ascending * len(ascending) / np.arange(1, len(ascending) + 1)).min())


def rejected(p_values: Float[np.ndarray, " m"], *, rate: float) -> Bool[np.ndarray, " m"]:
    """The pieces that stand out; there are some if and only if `simes` is at most `rate`.

    On average, at most the share `rate` of them are real pieces (the false discovery rate:
    Benjamini & Hochberg, Controlling the false discovery rate, J. R. Statist. Soc. B 1995).
    """
    ascending = np.sort(p_values)
    is_low = ascending <= rate * np.arange(1, len(ascending) + 1) / len(ascending)
    if not is_low.any():
        return np.zeros(len(p_values), bool)
    return p_values <= ascending[np.flatnonzero(is_low)[-1]]
