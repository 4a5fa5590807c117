"""Which values a sweep tries: grids, rows and random draws, as lists of config overrides.

Fields are named as in the config: {"optim.learning_rate": 1e-3, "seed": 1} is one run.
"""

import itertools
import math
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

Overrides = dict[str, Any]

Draw = Callable[[np.random.Generator], Any]

# Of drawn numbers, so that the name of a run can say exactly what was run.
SIGNIFICANT_DIGITS = 3


def product(values: Mapping[str, Iterable[Any]]) -> list[Overrides]:
    """Every combination of the fields' values; the last field changes fastest."""
    columns = [list(column) for column in values.values()]
    return [dict(zip(values, row, strict=True)) for row in itertools.product(*columns)]


def zipped(values: Mapping[str, Iterable[Any]]) -> list[Overrides]:
    """The first values of all fields, then the second ones; ValueError if some have more."""
    columns = {field: list(column) for field, column in values.items()}
    if len({len(column) for column in columns.values()}) > 1:
        lengths = ", ".join(f"{len(column)} of {field}" for field, column in columns.items())
        raise ValueError(
            f"zipped takes as many values of each field, got {lengths}; product combines them all"
        )
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def combined(first: Sequence[Overrides], second: Sequence[Overrides]) -> list[Overrides]:
    """Every run of `first` with every one of `second`, whose values count where both set a field.

    combined(sample(...), product({"seed": range(3)})) draws runs and does each three times.
    """
    return [{**one, **other} for one, other in itertools.product(first, second)]


def sample(draws: Mapping[str, Draw], *, num_runs: int, seed: int) -> list[Overrides]:
    """Random search: each field drawn by its rule, on its own.

    The same seed gives the same runs. More runs, or another field, leave those before as they were.
    """
    columns = {
        # Each field has a stream of its own, so that none shifts the draws of another.
        field: _column(draw, np.random.default_rng([seed, zlib.crc32(field.encode())]), num_runs)
        for field, draw in draws.items()
    }
    return zipped(columns)


def uniform(low: float, high: float) -> Draw:
    """Any number from `low` to `high`, each as likely."""
    if not low < high:
        raise ValueError(f"uniform needs low < high, got {low} and {high}")
    return lambda rng: _rounded(rng.uniform(low, high), low, high)


def log_uniform(low: float, high: float) -> Draw:
    """From `low` to `high`, each order of magnitude as likely: for rates and decays."""
    if not 0 < low < high:
        raise ValueError(
            f"log_uniform needs 0 < low < high, got {low} and {high}; uniform takes any numbers"
        )
    return lambda rng: _rounded(math.exp(rng.uniform(math.log(low), math.log(high))), low, high)


def choice(*options: Any) -> Draw:
    """One of the options, each as likely."""
    if not options:
        raise ValueError("choice needs an option at least, got none")
    return lambda rng: options[rng.integers(len(options))]


def _column(draw: Draw, rng: np.random.Generator, num_runs: int) -> list[Any]:
    return [draw(rng) for _ in range(num_runs)]


def _rounded(value: float, low: float, high: float) -> float:
    return min(max(float(f"{value:.{SIGNIFICANT_DIGITS}g}"), low), high)
