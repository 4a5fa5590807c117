"""Clips of many talkers; the same seed gives the same bytes in every process."""

from functools import lru_cache

import numpy as np

from avsync.datasets.synthesis.articulation import STEPS_PER_FRAME
from avsync.datasets.synthesis.many.camera import film
from avsync.datasets.synthesis.many.gestures import perform
from avsync.datasets.synthesis.many.language import Language, draw_language
from avsync.datasets.synthesis.many.mouth import shape_mouth
from avsync.datasets.synthesis.many.person import NUM_LANGUAGES, draw_person
from avsync.datasets.synthesis.many.picture import picture
from avsync.datasets.synthesis.many.recording import record
from avsync.datasets.synthesis.many.vocal_tract import utter
from avsync.datasets.synthesis.talking import Take
from avsync.types import Clip

# 3.0 to 3.4 s: a window of 72 frames is full after its leading silence has been trimmed.
MIN_FRAMES, MAX_FRAMES = 76, 84

# Stream numbers of the random generators, so that languages, talkers, lengths and takes are
# independent.
_LANGUAGE, _TALKER, _LENGTH, _TAKE = 10, 11, 12, 13


def talk(take: Take) -> Clip:
    """Generates the real clip of a take."""
    seed, talker, index = take
    person = draw_person(np.random.default_rng([seed, _TALKER, talker]))
    length_rng = np.random.default_rng([seed, _LENGTH, talker, index // 2])
    num_frames = int(length_rng.integers(MIN_FRAMES, MAX_FRAMES + 1))
    rngs = np.random.default_rng([seed, _TAKE, talker, index]).spawn(6)
    words, voice, room, mouth, head, camera = rngs
    gestures = perform(
        _language(seed, person.language),
        person.habits,
        words,
        num_steps=num_frames * STEPS_PER_FRAME,
    )
    speech = utter(gestures, person.voice, voice)
    shapes = shape_mouth(gestures, person.habits, person.face, person.camera, mouth)
    crops = picture(shapes, person.face, person.camera, head)
    identity = f"voice{talker:04d}"
    return Clip(
        clip_id=f"{identity}_take{index:03d}",
        frames=film(crops, person.camera, camera),
        waveform=record(speech, person.room, room),
        identity=identity,
    )


@lru_cache(maxsize=NUM_LANGUAGES)
def _language(seed: int, number: int) -> Language:
    """A language takes 50 ms to draw, as long as a clip."""
    return draw_language(np.random.default_rng([seed, _LANGUAGE, number]))
