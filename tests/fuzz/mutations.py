"""Seeded mutants of a file: flipped, cut, spliced, repeated and deleted ranges, changed lengths."""

import os
import random
from collections.abc import Callable, Iterator

# Mutants of each seed file; a few in CI, thousands by hand:
# AVSYNC_FUZZ_MUTANTS=5000 python -m pytest tests/fuzz -s
VARIABLE = "AVSYNC_FUZZ_MUTANTS"

MAX_RANGE = 64  # bytes that are deleted, repeated or moved at once
EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def num_mutants(default: int) -> int:
    """The number of mutants that the environment asks for."""
    return int(os.environ.get(VARIABLE, default))


def mutants(data: bytes, *, seed: int, number: int) -> Iterator[bytes]:
    """`number` variants of `data`, each changed in one to four places; the same for a seed."""
    for index in range(number):
        random_state = random.Random(f"{seed}/{index}")
        changed = bytearray(data)
        for _ in range(random_state.choice((1, 1, 1, 2, 4))):
            if changed:
                random_state.choice(CHANGES)(changed, random_state)
        yield bytes(changed)


def _flip(data: bytearray, random_state: random.Random) -> None:
    data[random_state.randrange(len(data))] ^= 1 << random_state.randrange(8)


def _replace(data: bytearray, random_state: random.Random) -> None:
    data[random_state.randrange(len(data))] = random_state.randrange(256)


def _cut(data: bytearray, random_state: random.Random) -> None:
    del data[random_state.randrange(len(data)) :]


def _delete(data: bytearray, random_state: random.Random) -> None:
    start = random_state.randrange(len(data))
    del data[start : start + random_state.randint(1, MAX_RANGE)]


def _repeat(data: bytearray, random_state: random.Random) -> None:
    start = random_state.randrange(len(data))
    data[start:start] = data[start : start + random_state.randint(1, MAX_RANGE)]


def _splice(data: bytearray, random_state: random.Random) -> None:
    start, place = (random_state.randrange(len(data)) for _ in range(2))
    piece = data[start : start + random_state.randint(1, MAX_RANGE)]
    data[place : place + len(piece)] = piece


def _number(data: bytearray, random_state: random.Random) -> None:
    size = random_state.choice((1, 2, 4, 8))
    place = random_state.randrange(len(data))
    value = random_state.choice(EXTREMES) % (1 << 8 * size)
    data[place : place + size] = value.to_bytes(size, random_state.choice(("little", "big")))


CHANGES: tuple[Callable[[bytearray, random.Random], None], ...] = (
    *(_flip, _replace, _cut, _delete, _repeat, _splice, _number),
)
