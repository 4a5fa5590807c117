"""Clips of synthetic talkers: same seed, same bytes, in whatever process they are made."""

import multiprocessing
from collections import deque
from collections.abc import Iterable, Iterator
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

MAX_WAITING = 16  # clips that are in the making; one is about 1 MB

# What each random generator is for; the same numbers for two purposes would tie them together.
_TALKER, _LENGTH, _TAKE = 0, 1, 2


class Take(NamedTuple):
    """Which talker of the world `seed` speaks, and which of their clips it is.

    Takes 2i and 2i + 1 of a talker are equally long: each can lend the other its sound.
    """

    seed: int
    talker_index: int
    take_index: int


def talk(take: Take) -> Clip:
    """The real clip of this take."""
    seed, talker, index = take
    voice, face = draw_talker(np.random.default_rng([seed, _TALKER, talker]))
    length_rng = np.random.default_rng([seed, _LENGTH, talker, index // 2])
    num_frames = int(length_rng.integers(MIN_FRAMES, MAX_FRAMES + 1))
    # One each, so that a change in how faces are drawn leaves the sound as it was.
    words, sound, picture, camera = np.random.default_rng([seed, _TAKE, talker, index]).spawn(4)
    articulation = articulate(words, num_frames=num_frames, speaking_rate=voice.speaking_rate)
    identity = f"talker{talker:03d}"
    return Clip(
        clip_id=f"{identity}_take{index:03d}",
        frames=film(draw(articulation, face, picture), face, camera),
        waveform=speak(articulation, voice, sound),
        identity=identity,
    )


def talk_all(takes: Iterable[Take], *, pool: ProcessPoolExecutor | None) -> Iterator[Clip]:
    """The clips of `takes`, in their order, made by the pool's processes, or by this one."""
    if pool is None:
        yield from map(talk, takes)
        return
    remaining = iter(takes)
    # Few at a time, so that fast workers do not fill the memory before a slow reader.
    waiting = deque(pool.submit(talk, take) for take in islice(remaining, MAX_WAITING))
    while waiting:
        clip = waiting.popleft().result()
        waiting.extend(pool.submit(talk, take) for take in islice(remaining, 1))
        yield clip


def talker_pool(num_workers: int) -> ProcessPoolExecutor | None:
    """A pool for `talk_all`, or None if one worker is all there is. It starts when first used.

    Its processes are spawned, for forking a process that runs TensorFlow's threads can hang; they
    import this module, and nothing heavy. The caller shuts it down.
    """
    if num_workers < 2:
        return None
    return ProcessPoolExecutor(num_workers, mp_context=multiprocessing.get_context("spawn"))
