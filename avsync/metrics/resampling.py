"""Bootstrap resamples of a test set, by how many times each clip is drawn.

A resample draws as many as there are, with replacement. What is drawn apart: reals and fakes, so
that every resample has both, and the share of fakes, on which average precision depends, stays that
of the test set (stratified resampling: Robin et al., pROC, BMC Bioinformatics 12:77, 2011).
"""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Bool, Int

# About as many as a core's cache holds.
_COUNTS_AT_ONCE = 1 << 17

TimesDrawn = Int[np.ndarray, "samples n"]


def over_clips(
    is_fake: Bool[np.ndarray, " n"], *, num_resamples: int, seed: int
) -> Iterator[TimesDrawn]:
    """How often each clip is in each resample, a chunk of resamples at a time.

    As if clips were independent: those of one person are not, and then the resamples vary less
    than new test sets would.
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
    """The same, but whole identities are drawn, each with all of its clips (cluster bootstrap).

    Identities of reals alone, of fakes alone and of both are drawn apart, so that here too every
    resample has both classes; where each clip has an identity of its own it is `over_clips`. How
    many clips a resample has, and its share of fakes, vary with who is drawn. The intervals that
    follow say what other people's clips would give; from fewer than about 30 identities they come
    out too narrow (Cameron, Gelbach & Miller, Rev. Econ. Stat. 90:414, 2008).
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
    stratum: Int[np.ndarray, " things"], *, rows: int, rng: np.random.Generator
) -> Int[np.ndarray, "samples things"]:
    """How often each thing is drawn, those of each stratum apart, as many as the stratum has."""
    members = [np.flatnonzero(stratum == number) for number in np.unique(stratum)]
    drawn = [of[rng.integers(len(of), size=(rows, len(of)))] for of in members]
    # np.bincount of every row, in one call: each row counts in a range of its own.
    row_start = np.arange(rows)[:, None] * len(stratum)
    counts = np.bincount(
        (np.concatenate(drawn, axis=1) + row_start).ravel(), minlength=rows * len(stratum)
    )
    return counts.reshape(rows, -1)
