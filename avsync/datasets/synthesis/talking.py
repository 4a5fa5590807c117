"""Clips of synthetic talkers; the same seed gives the same bytes in every process."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from typing import NamedTuple

import numpy as np

from avsync.datasets.synthesis.articulation import articulate
from avsync.datasets.synthesis.camera import film
from avsync.datasets.synthesis.mouth import draw
from avsync.datasets.synthesis.speech import speak
from avsync.datasets.synthesis.talker import draw_talker
from avsync.types import Clip

MIN_FRAMES, MAX_FRAMES = 60, 100  # 2.4 to 4 s

MAX_PENDING = 16  # clips in flight; one is about 1 MB

# Stream numbers of the random generators, so that talkers, lengths and takes are independent.
_TALKER, _LENGTH, _TAKE = 0, 1, 2


class Take(NamedTuple):
    """Identifies one clip: the seed of the dataset, a talker, and a take of that talker.

    Takes 2i and 2i + 1 of a talker have equal lengths, so that each can lend the other its sound.
    """

    seed: int
    talker_index: int
    take_index: int


def talk(take: Take) -> Clip:
    """Generates the real clip of a take."""
    seed, talker, index = take
    voice, face = draw_talker(np.random.default_rng([seed, _TALKER, talker]))
    length_rng = np.random.default_rng([seed, _LENGTH, talker, index // 2])
    num_frames = int(length_rng.integers(MIN_FRAMES, MAX_FRAMES + 1))
    # One generator each, so that changes in the drawing of faces do not change the sound.
    words, sound, face_rng, camera = np.random.default_rng([seed, _TAKE, talker, index]).spawn(4)
    articulation = articulate(words, num_frames=num_frames, speaking_rate=voice.speaking_rate)
    identity = f"talker{talker:03d}"
    return Clip(
        clip_id=f"{identity}_take{index:03d}",
        frames=film(draw(articulation, face, face_rng), face, camera),
        waveform=speak(articulation, voice, sound),
        identity=identity,
    )


def talk_all(
    takes: Iterable[Take],
    *,
    pool: ProcessPoolExecutor | None,
    talk: Callable[[Take], Clip] = talk,
) -> Iterator[Clip]:
    """Generates the clips of `takes` in order, in the processes of `pool`, or here if None."""
    if pool is None:
        yield from map(talk, takes)
        return
    remaining = iter(takes)
    # Bounded, so that fast workers do not fill the memory ahead of a slow reader.
    pending = deque(pool.submit(talk, take) for take in islice(remaining, MAX_PENDING))
    while pending:
        clip = pending.popleft().result()
        pending.extend(pool.submit(talk, take) for take in islice(remaining, 1))
        yield clip


def talker_pool(num_workers: int) -> ProcessPoolExecutor | None:
    """A process pool for `talk_all`, or None for a single worker. The caller shuts it down.

    Processes start on first use. They are spawned, because forking a process with TensorFlow
    threads can hang; they import this module and nothing heavy.
    """
    if num_workers < 2:
        return None
    return ProcessPoolExecutor(num_workers, mp_context=multiprocessing.get_context("spawn"))
