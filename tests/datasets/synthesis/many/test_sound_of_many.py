"""The speech of many talkers follows their gestures, and the room does not move it in time."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from avsync.datasets.synthesis.many.gestures import Gestures
from avsync.datasets.synthesis.many.person import Person, draw_person
from avsync.datasets.synthesis.many.recording import record
from avsync.datasets.synthesis.many.sounds import CONSONANTS, VOWELS, Target
from avsync.datasets.synthesis.many.vocal_tract import utter

NUM_STEPS = 100


@pytest.fixture(scope="module")
def person() -> Person:
    drawn = draw_person(np.random.default_rng(1))
    voice = dataclasses.replace(drawn.voice, tract_scale=1.0, pitch_hertz=110.0, tilt=0.2)
    return dataclasses.replace(drawn, voice=voice)


@pytest.fixture(scope="module")
def sound_of(person: Person) -> Callable[[Target], np.ndarray]:
    def spoken(target: Target) -> np.ndarray:
        return utter(steady(target), person.voice, np.random.default_rng(0))

    return spoken


def test_vowels_have_their_formants(sound_of: Callable[[Target], np.ndarray]):
    i, u, a = (sound_of(VOWELS[name]) for name in ("i", "u", "a"))
    assert share(i, 1900, 3300) > 4 * share(u, 1900, 3300)
    assert share(a, 600, 1600) > 4 * share(i, 600, 1600)


def test_fricatives_are_noise_above_the_vowels(sound_of: Callable[[Target], np.ndarray]):
    assert share(sound_of(CONSONANTS["s"][0]), 4000, 8000) > 0.7
    assert share(sound_of(CONSONANTS["ʃ"][0]), 2000, 4500) > 0.6
    assert share(sound_of(VOWELS["a"]), 4000, 8000) < 0.1


def test_the_closure_of_a_stop_is_silent(sound_of: Callable[[Target], np.ndarray]):
    closed, vowel = (sound_of(target) for target in (CONSONANTS["p"][0], VOWELS["a"]))
    assert np.abs(closed).max() < 0.01 * np.abs(vowel).max()


def test_the_direct_sound_comes_at_once(person: Person):
    click = np.zeros(8000)
    click[4000] = 1.0
    echoing = dataclasses.replace(
        person.room, reverberation_seconds=0.5, direct=1.0, noise_db=200.0, high_hertz=8000.0
    )
    recorded = record(click, echoing, np.random.default_rng(0)).astype(float)
    assert np.argmax(np.abs(recorded)) == 4000
    assert np.abs(recorded[4400:]).max() > 3 * np.abs(recorded[100:3600]).max()


def steady(target: Target) -> Gestures:
    """A target held for half a second; what the neighbours decide is neutral."""
    neutral = {"f1": 500.0, "f2": 1500.0, "f3": 2500.0, "hiss_hertz": 2500.0}
    values = {**target._asdict(), "stress": 1.0, "pitch": 0.0}
    return Gestures(
        **{
            name: np.full(NUM_STEPS, neutral.get(name, 0.0) if value is None else value)
            for name, value in values.items()
            if name != "seconds"
        }
    )


def share(sound: np.ndarray, low_hertz: float, high_hertz: float) -> float:
    """The share of the power of the second half that lies in a band."""
    spectrum = np.abs(np.fft.rfft(sound[len(sound) // 2 :])) ** 2
    hertz = np.fft.rfftfreq(len(sound) - len(sound) // 2, 1 / 16_000)
    return float(spectrum[(hertz >= low_hertz) & (hertz < high_hertz)].sum() / spectrum.sum())
