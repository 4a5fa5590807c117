"""How well a score ranks fakes above reals: the area under the ROC curve, average precision.

Fake is the positive class and a higher score means more fake. Both numbers depend on the scores
only through the order of their distinct values, so a sample of clips is a pair of counts, how many
reals and how many fakes have each value. A bootstrap resample is another such pair, so the work is
done for many samples at once, a row each. Ties are exact: half a win for the area, one threshold
for the precision, as in scikit-learn.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int


class Ranks(NamedTuple):
    """Where each clip's score stands among the distinct scores, 0 = lowest; by class.

    The clips of a class keep their order, so ranks of two scores of the same clips pair up.
    """

    real: Int[np.ndarray, " r"]
    fake: Int[np.ndarray, " f"]
    num_values: int


def auc(scores: Float[np.ndarray, " n"], is_fake: Bool[np.ndarray, " n"]) -> float:
    """The chance that a fake scores higher than a real, ties counting half; in [0, 1].

    Raises ValueError if a class is missing or a score is not finite.
    """
    return auc_of_counts(*counts(_both_classes(ranks(scores, is_fake)))).item()


def average_precision(scores: Float[np.ndarray, " n"], is_fake: Bool[np.ndarray, " n"]) -> float:
    """The precision at each threshold, weighted by the recall it adds; in (0, 1].

    The share of fakes at chance, so it compares only over the same mix of clips.
    Raises ValueError if a class is missing or a score is not finite.
    """
    return average_precision_of_counts(*counts(_both_classes(ranks(scores, is_fake)))).item()


def ranks(scores: Float[np.ndarray, " n"], is_fake: Bool[np.ndarray, " n"]) -> Ranks:
    """The rank of every score, by class; a class may be empty.

    Raises ValueError if a score is not finite: NaN has no rank, and a clip left out must be
    counted by whoever leaves it out.
    """
    broken = np.flatnonzero(~np.isfinite(scores))
    if broken.size:
        raise ValueError(
            f"scores: {broken.size} of {len(scores)} are not finite, the first is "
            f"{scores[broken[0]]} at index {broken[0]}. Leave those clips out and report how many."
        )
    values, rank = np.unique(scores, return_inverse=True)
    return Ranks(real=rank[~is_fake], fake=rank[is_fake], num_values=len(values))


def counts(ranked: Ranks) -> tuple[Int[np.ndarray, "1 v"], Int[np.ndarray, "1 v"]]:
    """How many reals, and how many fakes, have each distinct score, lowest first: one sample."""
    return (
        np.bincount(ranked.real, minlength=ranked.num_values)[None],
        np.bincount(ranked.fake, minlength=ranked.num_values)[None],
    )


def auc_of_counts(
    num_real: Int[np.ndarray, "n v"], num_fake: Int[np.ndarray, "n v"]
) -> Float[np.ndarray, " n"]:
    """The area under the ROC curve of each sample, from its counts by ascending score."""
    real_so_far = np.cumsum(num_real, axis=-1)
    # Twice the wins, in integers: a real below is a whole win, a real at the same score half one.
    double_wins = np.sum(num_fake * (2 * real_so_far - num_real), axis=-1)
    return double_wins / (2 * real_so_far[..., -1] * np.sum(num_fake, axis=-1))


def average_precision_of_counts(
    num_real: Int[np.ndarray, "n v"], num_fake: Int[np.ndarray, "n v"]
) -> Float[np.ndarray, " n"]:
    """The average precision of each sample, from its counts by ascending score."""
    fake_from_here = _sum_from_here(num_fake)
    all_from_here = fake_from_here + _sum_from_here(num_real)
    # Above the highest score of a resample nothing is left; the 1 divides a 0 there.
    precision = fake_from_here / np.maximum(all_from_here, 1)
    return np.sum(num_fake * precision, axis=-1) / fake_from_here[..., 0]


def _sum_from_here(number: Int[np.ndarray, "n v"]) -> Int[np.ndarray, "n v"]:
    """How many clips score at least this."""
    return np.cumsum(number[..., ::-1], axis=-1)[..., ::-1]


def _both_classes(ranked: Ranks) -> Ranks:
    for kind, of_class in (("real", ranked.real), ("fake", ranked.fake)):
        if not len(of_class):
            raise ValueError(f"a ranking needs clips of both classes; there is no {kind} clip")
    return ranked
