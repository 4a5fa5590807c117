"""Bootstrap resamples of a test set, as the number of times each clip is drawn.

A resample draws as many clips as there are, with replacement. Real and fake clips are drawn
separately, so that every resample has both, and the share of fakes, on which average precision
depends, stays that of the test set (Robin et al., pROC, BMC Bioinformatics 12:77, 2011).
"""

from collections.abc import Iterator, Sequence
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Int
from numba import njit

# Number of counts that fits the cache of a core.
_COUNTS_AT_ONCE = 1 << 17

TimesDrawn = Int[np.ndarray, "samples n"]


def over_clips(
    is_fake: Bool[np.ndarray, " n"], *, num_resamples: int, seed: int
) -> Iterator[TimesDrawn]:
    """The number of times each clip is drawn in each resample, a chunk of resamples at a time.

    Clips are taken as independent. Those of one speaker are not: then the resamples vary less than
    new test sets would.
    """
    for rows, rng in _chunks(len(is_fake), num_resamples=num_resamples, seed=seed):
        yield _draw(is_fake.astype(int), rows=rows, rng=rng)


def over_identities(
    is_fake: Bool[np.ndarray, " n"],
    identities: Sequence[str],
    *,
    num_resamples: int,
    seed: int,
) -> Iterator[TimesDrawn]:
    """The same for whole identities, each drawn with all of its clips (cluster bootstrap).

    Identities with real clips only, with fakes only and with both are drawn separately, so that
    every resample has both classes. The number of clips and the share of fakes vary between
    resamples. If each clip has its own identity, the result equals `over_clips`. With fewer than
    about 30 identities the intervals are too narrow (Cameron, Gelbach & Miller, Rev. Econ. Stat.
    90:414, 2008).
    """
    known, identity = np.unique(np.asarray(identities, str), return_inverse=True)
    has_real = np.bincount(identity[~is_fake], minlength=len(known)) > 0
    has_fake = np.bincount(identity[is_fake], minlength=len(known)) > 0
    for rows, rng in _chunks(len(is_fake), num_resamples=num_resamples, seed=seed):
        times_drawn = _draw(has_real + 2 * has_fake, rows=rows, rng=rng)
        yield np.take(times_drawn, identity, axis=1)


def _chunks(
    num_clips: int, *, num_resamples: int, seed: int
) -> Iterator[tuple[int, np.random.Generator]]:
    rng = np.random.default_rng(seed)
    rows = max(1, _COUNTS_AT_ONCE // num_clips)
    for start in range(0, num_resamples, rows):
        yield min(rows, num_resamples - start), rng


def _draw(
    stratum: Int[np.ndarray, " items"], *, rows: int, rng: np.random.Generator
) -> Int[np.ndarray, "samples items"]:
    """The number of times each item is drawn; every stratum is resampled by itself."""
    members = [np.flatnonzero(stratum == number) for number in np.unique(stratum)]
    times_drawn = np.zeros((rows, len(stratum)), np.int32)
    for of in members:
        # The numbers are those of 64 bits, in half the memory.
        drawn = rng.integers(len(of), size=(rows, len(of)), dtype=np.int32)
        _count(of, drawn, times_drawn)
    return times_drawn


# Compiled by numba, which knows no type checks. np.bincount took three times as long.
@njit(cache=True)
@no_type_check
def _count(members, drawn, times_drawn):
    """Adds to each row of `times_drawn` how often each of `members` occurs in that row."""
    for row in range(drawn.shape[0]):
        for index in drawn[row]:
            times_drawn[row, members[index]] += 1
