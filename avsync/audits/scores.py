"""What a shortcut measured to a score a clip, so that a higher one should mean fake.

Numbers are taken as they are. Categories and vectors are scored by what other clips of the same
dataset teach of them, five-fold: the share of fakes of a category, a linear probe of vectors. Folds
keep a source and all its fakes together, or all clips of an identity: a clip is never scored by one
that is nearly itself.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, TargetEncoder

from avsync.audits.base import Value

NUM_FOLDS = 5

# Of the probe: strong enough that some hundred clips do not learn their 128 numbers by heart.
INVERSE_REGULARISATION = 0.01


class Scores(NamedTuple):
    """`kind` is "number", "category" or "vector"; a clip without a score has NaN."""

    kind: str
    values: Float[np.ndarray, " n"]


def score(
    values: Sequence[Value], is_fake: Bool[np.ndarray, " n"], *, groups: Sequence[str]
) -> Scores | None:
    """The scores of the clips; None if nothing was measured of any.

    `groups` names what folds keep together. Categories and vectors of clips of fewer than two
    groups of a class have no score.
    """
    known = np.array([value is not None for value in values])
    if not known.any():
        return None
    first = next(value for value in values if value is not None)
    kind = {str: "category", np.ndarray: "vector"}.get(type(first), "number")
    of_known = [value for value in values if value is not None]
    scores = np.full(len(values), np.nan)
    if kind == "number":
        scores[known] = of_known
    else:
        labels = is_fake[known].astype(int)
        scores[known] = _from_others(kind, of_known, labels, np.asarray(groups, str)[known])
    return Scores(kind, scores)


def _from_others(
    kind: str, values: list, labels: np.ndarray, groups: np.ndarray
) -> Float[np.ndarray, " n"]:
    num_groups = min(len(np.unique(groups[labels == label])) for label in (0, 1))
    scores = np.full(len(values), np.nan)
    if num_groups < 2:
        return scores
    rows = np.array(values) if kind == "vector" else np.array(values, object)[:, None]
    folds = StratifiedGroupKFold(min(NUM_FOLDS, num_groups), shuffle=True, random_state=0)
    for train, test in folds.split(rows, labels, groups):
        scores[test] = (_probe if kind == "vector" else _encode)(rows, labels, train, test)
    return scores


def _encode(
    rows: np.ndarray, labels: np.ndarray, train: np.ndarray, test: np.ndarray
) -> np.ndarray:
    """How much larger than overall the share of fakes is in a category, shrunk if it is rare."""
    encoder = TargetEncoder(target_type="binary").fit(rows[train], labels[train])
    encoded = encoder.transform(rows[test])[:, 0]
    # Where a fold has more fakes, the others have fewer: with that share left in, a category that
    # says nothing would rank the folds, and in the wrong order. Rounded, so that ties stay ties.
    return np.round(encoded - labels[train].mean(), 9)


def _probe(rows: np.ndarray, labels: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    probe = make_pipeline(
        StandardScaler(),
        LogisticRegression(C=INVERSE_REGULARISATION, class_weight="balanced", max_iter=1000),
    )
    return probe.fit(rows[train], labels[train]).decision_function(rows[test])
