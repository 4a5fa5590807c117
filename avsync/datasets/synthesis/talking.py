"""Clips of synthetic talkers; the same seed gives the same bytes in every process."""

from typing import NamedTuple

import numpy as np

from avsync.datasets.synthesis.articulation import articulate
from avsync.datasets.synthesis.camera import film
from avsync.datasets.synthesis.mouth import draw
from avsync.datasets.synthesis.speech import speak
from avsync.datasets.synthesis.talker import draw_talker
from avsync.types import Clip

MIN_FRAMES, MAX_FRAMES = 60, 100  # 2.4 to 4 s

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
