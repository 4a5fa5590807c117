"""P-values and thresholds from the scores of held-out real clips alone (split conformal).

Take the scores of n real clips that were not trained on. If a new real clip is exchangeable with
them (drawn from the same kind of clips; the distribution of scores does not matter), its rank among
all n + 1 is uniform, and so is its p-value. This guarantees nothing about real clips of another
kind, nor about the number of fakes detected.

Vovk, Gammerman & Shafer, Algorithmic Learning in a Random World (2005); Angelopoulos & Bates, A
Gentle Introduction to Conformal Prediction, arXiv 2107.07511, sec. 3.2.
"""

import math
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import stats

from avsync.metrics import ranking

CONFIDENCE = 0.95
TAILS = ((1 - CONFIDENCE) / 2, 1 - (1 - CONFIDENCE) / 2)

# The rates that reports and exported scorers have thresholds for.
FALSE_ALARM_RATES = (0.01, 0.05, 0.1)


class Rate(NamedTuple):
    """An expected rate, and the interval that contains the rate with probability `CONFIDENCE`."""

    mean: float
    low: float
    high: float


class HeldOut(NamedTuple):
    """The false alarms of a threshold among other real clips, and the share expected."""

    num_alarms: int
    num_real: int
    rate: float
    expected: Rate


def p_values(
    scores: Float[np.ndarray, " n"], *, calibration: Float[np.ndarray, " c"]
) -> Float[np.ndarray, " n"]:
    """(1 + number of the c calibration scores >= this one) / (c + 1); in [1 / (c + 1), 1].

    A small value means that few real clips look as fake. For a new real clip P(p <= a) <= a at
    every a, ties included. ValueError if there are no calibration scores or a score is not finite.
    """
    ranking.require_finite(scores)
    ascending = _sorted(calibration)
    num_as_high = len(ascending) - np.searchsorted(ascending, scores, side="left")
    return (1 + num_as_high) / (len(ascending) + 1)


def threshold(calibration: Float[np.ndarray, " c"], *, false_alarm_rate: float) -> float:
    """The score above which, strictly, a clip is called fake.

    A new real clip is called fake with probability at most `false_alarm_rate`, over the draw of the
    calibration clips and the new clip. The threshold is the k-th largest of the c calibration
    scores, k = floor(rate (c + 1)): a score above it has p <= rate. Without ties the probability is
    k / (c + 1), less than 1 / (c + 1) below the target rate.

    ValueError if c < 1 / rate - 1: then no finite threshold guarantees the rate.
    """
    ascending = _sorted(calibration)
    return float(ascending[-num_allowed(len(ascending), false_alarm_rate=false_alarm_rate)])


def num_allowed(num_calibration: int, *, false_alarm_rate: float) -> int:
    """k = floor(rate (c + 1)): the threshold is the k-th largest of c calibration scores.

    ValueError if the rate is not in (0, 1), or k is 0.
    """
    if not 0 < false_alarm_rate < 1:
        raise ValueError(f"false_alarm_rate must lie between 0 and 1, got {false_alarm_rate}")
    # The rate as written: 0.29 * 100 is 28.999999999999996 in floating point.
    rate = Fraction(str(false_alarm_rate))
    allowed = math.floor(rate * (num_calibration + 1))
    if not allowed:
        needed = num_needed(false_alarm_rate)
        raise ValueError(
            f"no threshold guarantees a false-alarm rate of {false_alarm_rate} with "
            f"{num_calibration} calibration clips: it takes {needed}, or a rate of at least "
            f"1/{num_calibration + 1}"
        )
    return allowed


def num_needed(false_alarm_rate: float) -> int:
    """The least number of calibration clips with a threshold for this rate: 19 for 5%."""
    return math.ceil(1 / Fraction(str(false_alarm_rate))) - 1


def realised_rate(num_calibration: int, *, false_alarm_rate: float) -> Rate:
    """The false-alarm rate, on unlimited new real clips, of a threshold from c calibration clips.

    The target rate holds on average over calibration sets; a single set may do worse. Without ties
    the rate is distributed as Beta(k, c + 1 - k); ties only lower it. Raises as `threshold` does.
    """
    allowed = num_allowed(num_calibration, false_alarm_rate=false_alarm_rate)
    distribution = stats.beta(allowed, num_calibration + 1 - allowed)
    return Rate(float(distribution.mean()), *map(float, distribution.ppf(TAILS)))


def held_out_alarms(
    held_out: Float[np.ndarray, " h"],
    *,
    calibration: Float[np.ndarray, " c"],
    false_alarm_rate: float,
) -> HeldOut:
    """The false alarms among h real clips outside the calibration, and the share expected.

    Their number is beta-binomial: it varies with the calibration set and with these clips. A rate
    above the interval means that these clips are unlike the calibration clips. Raises as
    `threshold` does.
    """
    ranking.require_finite(held_out)
    if not len(held_out):
        raise ValueError("no held-out real clips to count false alarms among")
    num_alarms = int(np.sum(held_out > threshold(calibration, false_alarm_rate=false_alarm_rate)))
    allowed = num_allowed(len(calibration), false_alarm_rate=false_alarm_rate)
    distribution = stats.betabinom(len(held_out), allowed, len(calibration) + 1 - allowed)
    expected = (distribution.mean(), *distribution.ppf(TAILS))
    return HeldOut(
        num_alarms=num_alarms,
        num_real=len(held_out),
        rate=num_alarms / len(held_out),
        expected=Rate(*(float(number) / len(held_out) for number in expected)),
    )


def _sorted(calibration: Float[np.ndarray, " c"]) -> Float[np.ndarray, " c"]:
    ranking.require_finite(calibration)
    if not len(calibration):
        raise ValueError("calibration needs the scores of real clips; there are none")
    return np.sort(calibration)


def exact_interval(num_found: int, num_all: int) -> tuple[float, float]:
    """The 95% interval of Clopper and Pearson of a rate; ValueError if `num_all` is 0."""
    interval = stats.binomtest(num_found, num_all).proportion_ci(CONFIDENCE, method="exact")
    return float(interval.low), float(interval.high)
