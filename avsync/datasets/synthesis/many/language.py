"""Languages: which sounds there are, how they form syllables and words, and how often each is said.

A language has a lexicon of random words. The frequencies of sounds and of words follow Zipf's law,
as in natural languages, so that a talker says some words and sounds again and again.
"""

from typing import NamedTuple

import numpy as np

from avsync.datasets.synthesis.many.sounds import (
    COMMON,
    CONSONANTS,
    DIPHTHONGS,
    RARE,
    VOICELESS_STOPS,
    VOWELS,
    Target,
)

LEXICON_WORDS = 300

# Share of the words with 1, 2, 3 and 4 syllables, in running English and in Spanish.
SHORT_WORDS = (0.72, 0.20, 0.06, 0.02)
LONG_WORDS = (0.35, 0.35, 0.22, 0.08)


class Syllable(NamedTuple):
    """The targets of a syllable and its stress, 0.5 to 1."""

    targets: tuple[Target, ...]
    stress: float


Word = tuple[Syllable, ...]


class Language(NamedTuple):
    """Words with their frequencies, which sum to 1, and the rhythm of the language.

    reduction: how much shorter and more central unstressed syllables are, 0 to 1.
    """

    words: tuple[Word, ...]
    frequencies: np.ndarray
    reduction: float


class _Inventory(NamedTuple):
    vowels: list[str]
    consonants: list[str]
    vowel_shares: np.ndarray
    consonant_shares: np.ndarray
    diphthongs: float
    onset: float
    coda: float
    cluster: float
    aspiration_seconds: float


def draw_language(rng: np.random.Generator) -> Language:
    """A random language."""
    inventory = _draw_inventory(rng)
    shares = np.array(SHORT_WORDS) + rng.uniform() * np.subtract(LONG_WORDS, SHORT_WORDS)
    words = [
        _word(inventory, 1 + rng.choice(4, p=shares / shares.sum()), rng)
        for _ in range(LEXICON_WORDS)
    ]
    # The most frequent words are short.
    words.sort(key=len)
    return Language(tuple(words), _zipf(LEXICON_WORDS, exponent=0.7), rng.uniform(0, 0.7))


def _draw_inventory(rng: np.random.Generator) -> _Inventory:
    # Every language has the corners of the vowel space.
    others = [v for v in VOWELS if v not in ("i", "a", "u")]
    vowels = ["i", "a", "u", *rng.choice(others, rng.integers(2, 10), replace=False)]
    consonants = [
        *(c for c in COMMON if rng.uniform() < 0.92),
        *(c for c in RARE if rng.uniform() < 0.45),
    ]
    rng.shuffle(vowels)
    rng.shuffle(consonants)
    return _Inventory(
        vowels,
        consonants,
        _zipf(len(vowels), exponent=0.6),
        _zipf(len(consonants), exponent=0.4),
        diphthongs=rng.choice([0.0, 0.25]),
        onset=rng.uniform(0.75, 0.97),
        coda=rng.uniform(0.1, 0.6),
        cluster=rng.choice([0.0, 0.15]),
        aspiration_seconds=rng.choice([0.0, 0.02, 0.05]),
    )


def _zipf(number: int, *, exponent: float) -> np.ndarray:
    """Frequencies of ranks 1, 2, ..., which sum to 1."""
    frequencies = 1 / np.arange(1, number + 1) ** exponent
    return frequencies / frequencies.sum()


def _word(inventory: _Inventory, num_syllables: int, rng: np.random.Generator) -> Word:
    stressed = rng.integers(num_syllables)
    return tuple(
        Syllable(_syllable(inventory, rng), 1.0 if i == stressed else rng.uniform(0.5, 0.7))
        for i in range(num_syllables)
    )


def _syllable(inventory: _Inventory, rng: np.random.Generator) -> tuple[Target, ...]:
    def consonant() -> list[Target]:
        return _consonant(rng.choice(inventory.consonants, p=inventory.consonant_shares), inventory)

    targets: list[Target] = []
    if rng.uniform() < inventory.onset:
        targets += consonant()
        if rng.uniform() < inventory.cluster:
            targets += CONSONANTS[str(rng.choice(["l", "r", "w", "j"]))]
    if rng.uniform() < inventory.diphthongs:
        first, second = (VOWELS[v] for v in DIPHTHONGS[rng.integers(len(DIPHTHONGS))])
        targets += [first, second._replace(seconds=0.6 * second.seconds)]
    else:
        targets.append(VOWELS[rng.choice(inventory.vowels, p=inventory.vowel_shares)])
    if rng.uniform() < inventory.coda:
        targets += consonant()
    return tuple(targets)


def _consonant(name: str, inventory: _Inventory) -> list[Target]:
    targets = list(CONSONANTS[name])
    if name in VOICELESS_STOPS and inventory.aspiration_seconds:
        targets.append(Target(inventory.aspiration_seconds, breath=0.4))
    return targets
