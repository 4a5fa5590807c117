"""The values that a sweep tries: grids, rows and random draws, as lists of config overrides.

A run is a dictionary of config fields: {"optim.learning_rate": 1e-3, "seed": 1}. A `Space` has
ranges instead, from which runs are drawn at random or chosen by Optuna (`avsync.sweeps.study`).
"""

import itertools
import math
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

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


def search(draws: Mapping[str, "Range | Choice"], *, num_runs: int, seed: int = 0) -> "Space":
    """Return a space of `num_runs` runs: `sample` draws them, or --sampler=optuna chooses them.

    ValueError if there is no field, or a field has a rule that Optuna cannot read.
    """
    if not draws:
        raise ValueError("search needs at least one field")
    for field, draw in draws.items():
        if not isinstance(draw, Range | Choice):
            raise ValueError(
                f"search: {field} needs uniform, log_uniform, integers or choice, got {draw!r}"
            )
    return Space(dict(draws), num_runs, seed)


class Space(NamedTuple):
    """The rule for each field, the number of runs, and the seed of the draws."""

    draws: "Mapping[str, Range | Choice]"
    num_runs: int
    seed: int

    def sampled(self) -> list[Overrides]:
        """Return the runs of a random search."""
        return sample(self.draws, num_runs=self.num_runs, seed=self.seed)


class Range(NamedTuple):
    """Numbers from `low` to `high`, both included; a `Draw`.

    is_log: uniform in the logarithm. is_whole: whole numbers.
    """

    low: float | int
    high: float | int
    is_log: bool = False
    is_whole: bool = False

    def __call__(self, rng: np.random.Generator) -> float | int:
        """Draw a number."""
        if self.is_whole:
            return int(rng.integers(int(self.low), int(self.high), endpoint=True))
        if self.is_log:
            return self.rounded(math.exp(rng.uniform(math.log(self.low), math.log(self.high))))
        return self.rounded(rng.uniform(self.low, self.high))

    def rounded(self, value: float | int) -> float | int:
        """Return `value` with the digits that a run has in its name, within the range."""
        if self.is_whole:
            return int(value)
        return min(max(float(f"{value:.{SIGNIFICANT_DIGITS}g}"), self.low), self.high)


class Choice(NamedTuple):
    """One of these options, each with equal probability; a `Draw`."""

    options: tuple[Any, ...]

    def __call__(self, rng: np.random.Generator) -> Any:
        """Draw an option."""
        return self.options[rng.integers(len(self.options))]


def uniform(low: float, high: float) -> Range:
    """Draw uniformly from `low` to `high`."""
    if not low < high:
        raise ValueError(f"uniform needs low < high, got {low} and {high}")
    return Range(low, high)


def log_uniform(low: float, high: float) -> Range:
    """Draw from `low` to `high`, uniformly in the logarithm: for rates and decays."""
    if not 0 < low < high:
        raise ValueError(
            f"log_uniform needs 0 < low < high, got {low} and {high}; use uniform for other ranges"
        )
    return Range(low, high, is_log=True)


def integers(low: int, high: int) -> Range:
    """Draw a whole number from `low` to `high`, both included, uniformly."""
    if not low < high:
        raise ValueError(f"integers needs low < high, got {low} and {high}")
    return Range(low, high, is_whole=True)


def choice(*options: Any) -> Choice:
    """Draw one of the options with equal probability."""
    if not options:
        raise ValueError("choice needs at least one option, got none")
    return Choice(options)


def _column(draw: Draw, rng: np.random.Generator, num_runs: int) -> list[Any]:
    return [draw(rng) for _ in range(num_runs)]
