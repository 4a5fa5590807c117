"""One score per clip from the values of a shortcut; higher means more likely fake.

Numbers are scores as they are. Categories and vectors are scored by five-fold cross-validation on
the same dataset: by the share of fakes in the category, or by a linear probe on the vectors. Folds
keep a source and all its fakes together, or all clips of an identity, so that no clip is scored by
a model fitted to a near-copy of it.
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

# Strong enough that the probe does not memorise some hundred clips by their 128 features.
INVERSE_REGULARISATION = 0.01


class Scores(NamedTuple):
    """`kind` is "number", "category" or "vector"; clips without a score have NaN."""

    kind: str
    values: Float[np.ndarray, " n"]


def score(
    values: Sequence[Value], is_fake: Bool[np.ndarray, " n"], *, groups: Sequence[str]
) -> Scores | None:
    """Scores all clips; None if no clip has a value.

    `groups` names the group of each clip that folds keep together. Categories and vectors have no
    scores if the clips of either class come from fewer than two groups.
    """
    known = np.array([value is not None for value in values])
    if not known.any():
        return None
    first = next(value for value in values if value is not None)
    kind = {str: "category", np.ndarray: "vector"}.get(type(first), "number")
    known_values = [value for value in values if value is not None]
    scores = np.full(len(values), np.nan)
    if kind == "number":
        scores[known] = known_values
    else:
        labels = is_fake[known].astype(int)
        scores[known] = _cross_validated(kind, known_values, labels, np.asarray(groups, str)[known])
    return Scores(kind, scores)


def _cross_validated(
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
    """Share of fakes in the category less the overall share, shrunk for rare categories."""
    encoder = TargetEncoder(target_type="binary").fit(rows[train], labels[train])
    encoded = encoder.transform(rows[test])[:, 0]
    # A fold with more fakes leaves fewer in the others: without the subtraction, an uninformative
    # category would rank the folds, in the wrong order. Rounded, so that ties stay ties.
    return np.round(encoded - labels[train].mean(), 9)


def _probe(rows: np.ndarray, labels: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    probe = make_pipeline(
        StandardScaler(),
        LogisticRegression(C=INVERSE_REGULARISATION, class_weight="balanced", max_iter=1000),
    )
    return probe.fit(rows[train], labels[train]).decision_function(rows[test])
