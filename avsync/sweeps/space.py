"""The values that a sweep tries: grids, rows and random draws, as lists of config overrides.

A run is a dictionary of config fields: {"optim.learning_rate": 1e-3, "seed": 1}.
"""

import itertools
import math
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

Overrides = dict[str, Any]

Draw = Callable[[np.random.Generator], Any]

# Drawn numbers are rounded, so that the name of a run gives them exactly.
SIGNIFICANT_DIGITS = 3


def product(values: Mapping[str, Iterable[Any]]) -> list[Overrides]:
    """Return every combination of the fields' values; the last field changes fastest."""
    columns = [list(column) for column in values.values()]
    return [dict(zip(values, row, strict=True)) for row in itertools.product(*columns)]


def zipped(values: Mapping[str, Iterable[Any]]) -> list[Overrides]:
    """Return one run per row of values; ValueError if the fields have different numbers of them."""
    columns = {field: list(column) for field, column in values.items()}
    if len({len(column) for column in columns.values()}) > 1:
        lengths = ", ".join(f"{len(column)} of {field}" for field, column in columns.items())
        raise ValueError(
            f"zipped needs equally many values of each field, got {lengths}; product gives all "
            "combinations"
        )
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def combined(first: Sequence[Overrides], second: Sequence[Overrides]) -> list[Overrides]:
    """Return every run of `first` merged with every run of `second`, whose values take precedence.

    combined(sample(...), product({"seed": range(3)})) draws runs and repeats each with three seeds.
    """
    return [{**one, **other} for one, other in itertools.product(first, second)]


def sample(draws: Mapping[str, Draw], *, num_runs: int, seed: int) -> list[Overrides]:
    """Draw runs for a random search, each field independently by its own rule.

    The same seed gives the same runs. Drawing more runs or adding a field leaves the existing draws
    unchanged.
    """
    columns = {
        # One random stream per field, so that no field shifts the draws of another.
        field: _column(draw, np.random.default_rng([seed, zlib.crc32(field.encode())]), num_runs)
        for field, draw in draws.items()
    }
    return zipped(columns)


def uniform(low: float, high: float) -> Draw:
    """Draw uniformly from `low` to `high`."""
    if not low < high:
        raise ValueError(f"uniform needs low < high, got {low} and {high}")
    return lambda rng: _rounded(rng.uniform(low, high), low, high)


def log_uniform(low: float, high: float) -> Draw:
    """Draw from `low` to `high`, uniformly in the logarithm: for rates and decays."""
    if not 0 < low < high:
        raise ValueError(
            f"log_uniform needs 0 < low < high, got {low} and {high}; use uniform for other ranges"
        )
    return lambda rng: _rounded(math.exp(rng.uniform(math.log(low), math.log(high))), low, high)


def choice(*options: Any) -> Draw:
    """Draw one of the options with equal probability."""
    if not options:
        raise ValueError("choice needs at least one option, got none")
    return lambda rng: options[rng.integers(len(options))]


def _column(draw: Draw, rng: np.random.Generator, num_runs: int) -> list[Any]:
    return [draw(rng) for _ in range(num_runs)]


def _rounded(value: float, low: float, high: float) -> float:
    return min(max(float(f"{value:.{SIGNIFICANT_DIGITS}g}"), low), high)
