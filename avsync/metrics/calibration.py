"""From scores to false-alarm rates, by the scores of held-out reals alone (split conformal).

Let n reals, in no way used for training, have been scored. If a new real is exchangeable with them
(drawn from the same kind of clips; how scores are distributed does not matter), its rank among all
n + 1 is uniform, and so is its p-value. Nothing is promised of reals of another kind, nor of how
many fakes are found.

Vovk, Gammerman & Shafer, Algorithmic Learning in a Random World (2005); Angelopoulos & Bates, A
Gentle Introduction to Conformal Prediction, arXiv 2107.07511, sec. 3.2.
"""

import math
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import stats

from avsync.metrics import ranking

CONFIDENCE = 0.95


class Rate(NamedTuple):
    """A rate to be expected, and the interval that it is in with probability `CONFIDENCE`."""

    mean: float
    low: float
    high: float


class HeldOut(NamedTuple):
    """How many of other reals a threshold called fake, and what share was to be expected."""

    num_alarms: int
    num_real: int
    rate: float
    expected: Rate


def p_values(
    scores: Float[np.ndarray, " n"], *, calibration: Float[np.ndarray, " c"]
) -> Float[np.ndarray, " n"]:
    """(1 + how many of the c reals score at least this) / (c + 1); in [1 / (c + 1), 1].

    Small means: few reals look as fake. For a new real P(p <= a) <= a at every a, ties included.
    Raises ValueError if there are no calibration scores or a score is not finite.
    """
    ranking.require_finite(scores)
    ascending = _sorted(calibration)
    num_as_high = len(ascending) - np.searchsorted(ascending, scores, side="left")
    return (1 + num_as_high) / (len(ascending) + 1)


def threshold(calibration: Float[np.ndarray, " c"], *, false_alarm_rate: float) -> float:
    """The score above which (not at which) a clip is called fake.

    A new real is called fake with probability at most `false_alarm_rate`, over the drawing of the
    calibration reals and the new one. It is the k-th largest of the c calibration scores, with
    k = floor(rate (c + 1)): to score above it is to have p <= rate. Without ties the probability
    is k / (c + 1), less than 1 / (c + 1) below the rate asked for.

    Raises ValueError if c < 1 / rate - 1: then no finite threshold keeps the promise.
    """
    ascending = _sorted(calibration)
    return float(ascending[-num_allowed(len(ascending), false_alarm_rate=false_alarm_rate)])


def num_allowed(num_calibration: int, *, false_alarm_rate: float) -> int:
    """k = floor(rate (c + 1)): which of c calibration scores, from the top, is the threshold.

    Raises ValueError if that is none of them.
    """
    if not 0 < false_alarm_rate < 1:
        raise ValueError(f"false_alarm_rate lies between 0 and 1, got {false_alarm_rate}")
    # As it is written: 0.29 * 100 is 28.999999999999996 in floating point.
    rate = Fraction(str(false_alarm_rate))
    allowed = math.floor(rate * (num_calibration + 1))
    if not allowed:
        raise ValueError(
            f"no threshold has a false-alarm rate of {false_alarm_rate} for certain with "
            f"{num_calibration} calibration reals: it takes {math.ceil(1 / rate) - 1}, or a rate "
            f"of at least 1/{num_calibration + 1}"
        )
    return allowed


def realised_rate(num_calibration: int, *, false_alarm_rate: float) -> Rate:
    """The false-alarm rate that a threshold from so many reals will have on endless new reals.

    The promise is kept on average; one calibration set is luckier than another. Without ties the
    rate is distributed as Beta(k, c + 1 - k); ties only lower it. Raises as `threshold` does.
    """
    allowed = num_allowed(num_calibration, false_alarm_rate=false_alarm_rate)
    return _expected(stats.beta(allowed, num_calibration + 1 - allowed))


def on_held_out(
    held_out: Float[np.ndarray, " h"],
    *,
    calibration: Float[np.ndarray, " c"],
    false_alarm_rate: float,
) -> HeldOut:
    """The alarms among h reals that had no part in the calibration, against what is to be expected.

    Their number is beta-binomial: the luck of the calibration set and that of these reals. A rate
    above the interval means that they are not like the calibration reals. Raises as `threshold`.
    """
    ranking.require_finite(held_out)
    if not len(held_out):
        raise ValueError("there are no held-out reals to count alarms among")
    num_alarms = int(np.sum(held_out > threshold(calibration, false_alarm_rate=false_alarm_rate)))
    allowed = num_allowed(len(calibration), false_alarm_rate=false_alarm_rate)
    alarms = _expected(stats.betabinom(len(held_out), allowed, len(calibration) + 1 - allowed))
    return HeldOut(
        num_alarms=num_alarms,
        num_real=len(held_out),
        rate=num_alarms / len(held_out),
        expected=Rate(*(number / len(held_out) for number in alarms)),
    )


def _sorted(calibration: Float[np.ndarray, " c"]) -> Float[np.ndarray, " c"]:
    ranking.require_finite(calibration)
    if not len(calibration):
        raise ValueError("calibration needs the scores of real clips; there are none")
    return np.sort(calibration)


def _expected(distribution: Any) -> Rate:
    tail = (1 - CONFIDENCE) / 2
    low, high = distribution.ppf([tail, 1 - tail])
    return Rate(float(distribution.mean()), float(low), float(high))
