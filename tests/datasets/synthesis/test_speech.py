"""The synthesised sound follows the articulators."""

import dataclasses

import numpy as np

from avsync.datasets.synthesis.articulation import STEPS_PER_FRAME, Articulation, articulate
from avsync.datasets.synthesis.phones import CONSONANTS, VOWELS, Phone
from avsync.datasets.synthesis.speech import HOP, speak
from avsync.datasets.synthesis.talker import Voice, draw_talker

VOICE = Voice(
    pitch_hertz=120.0,
    tract_scale=1.0,
    speaking_rate=1.0,
    breathiness=0.02,
    level=0.08,
    noise_level=0.0015,
    noise_colour=0.0,
)


def test_an_i_has_its_second_formant_above_that_of_an_o() -> None:
    front, back = (sound_of(VOWELS[name]) for name in ("i", "o"))
    assert share(front, 1900, 2700) > 4 * share(back, 1900, 2700)
    assert share(back, 500, 1100) > 4 * share(front, 500, 1100)


def test_an_a_has_its_first_formant_above_that_of_an_i() -> None:
    assert share(sound_of(VOWELS["a"]), 600, 1000) > 4 * share(sound_of(VOWELS["i"]), 600, 1000)


def test_an_s_has_high_frequencies_that_a_vowel_lacks() -> None:
    assert share(sound_of(CONSONANTS["s"]), 4500, 7500) > 0.8
    assert share(sound_of(VOWELS["a"]), 4500, 7500) < 0.02


def test_a_short_tract_sounds_higher_at_the_same_pitch() -> None:
    short = dataclasses.replace(VOICE, tract_scale=1.15)
    assert centroid(sound_of(VOWELS["e"], short)) > 1.05 * centroid(sound_of(VOWELS["e"]))


def test_an_open_mouth_is_louder_than_a_closed_one() -> None:
    articulation = steady(VOWELS["a"], num_frames=40)
    closed = np.zeros_like(articulation.jaw)
    closed[len(closed) // 2 :] = 1.0
    sound = speak(
        dataclasses.replace(articulation, closure=closed), VOICE, np.random.default_rng(0)
    ).astype(float)
    opened, shut = sound[: len(sound) // 2 - 10 * HOP], sound[len(sound) // 2 + 10 * HOP :]
    assert level_db(opened) - level_db(shut) > 10


def test_lips_close_in_bilabial_nasals() -> None:
    rng = np.random.default_rng(3)
    articulation = articulate(rng, num_frames=2000, speaking_rate=1.0)
    nasal_at_lips = (articulation.nasal > 0.9) & (articulation.tip < 0.1)
    assert nasal_at_lips.sum() > 100
    assert np.median(articulation.aperture[nasal_at_lips]) < 0.03


def test_sound_is_louder_where_the_mouth_is_open() -> None:
    # Not near 1: mouths also open for breathing, loudness drifts, and an i is as loud as an a.
    correlations = []
    for talker in range(12):
        rng = np.random.default_rng([8, talker])
        voice, _ = draw_talker(rng)
        articulation = articulate(rng, num_frames=100, speaking_rate=voice.speaking_rate)
        sound = speak(articulation, voice, rng).astype(float).reshape(100, -1)
        loudness = np.log((sound**2).mean(axis=1))
        aperture = articulation.aperture.reshape(-1, STEPS_PER_FRAME).mean(axis=1)
        correlations.append(np.corrcoef(loudness, aperture)[0, 1])
    assert np.mean(correlations) > 0.3
    assert np.mean(correlations) < 0.8


def test_every_step_becomes_five_milliseconds_of_sound() -> None:
    articulation = steady(VOWELS["a"], num_frames=3)
    assert speak(articulation, VOICE, np.random.default_rng(0)).shape == (3 * 640,)


def steady(phone: Phone, *, num_frames: int) -> Articulation:
    """A phone held for the whole clip."""

    def hold(value: float | None, otherwise: float = 0.0) -> np.ndarray:
        return np.full(num_frames * STEPS_PER_FRAME, otherwise if value is None else value)

    return Articulation(
        jaw=hold(phone.jaw),
        spread=hold(phone.spread),
        closure=hold(min(phone.closure, 1.0)),
        front=hold(phone.front, 0.5),
        tip=hold(phone.tip),
        voicing=hold(phone.voicing),
        noise=hold(phone.noise),
        noise_hertz=hold(phone.noise_hertz),
        nasal=hold(float(phone.is_nasal)),
        oral=hold(1.0),
        stress=hold(1.0),
        pitch=hold(1.0),
    )


def sound_of(phone: Phone, voice: Voice = VOICE) -> np.ndarray:
    return speak(steady(phone, num_frames=50), voice, np.random.default_rng(0)).astype(float)


def power(sound: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.fft.rfftfreq(len(sound), 1 / 16_000), np.abs(np.fft.rfft(sound)) ** 2


def share(sound: np.ndarray, low_hertz: float, high_hertz: float) -> float:
    """The share of the power that lies in a band."""
    hertz, spectrum = power(sound)
    return spectrum[(hertz >= low_hertz) & (hertz < high_hertz)].sum() / spectrum.sum()


def centroid(sound: np.ndarray) -> float:
    hertz, spectrum = power(sound)
    return float((hertz * spectrum).sum() / spectrum.sum())


def level_db(sound: np.ndarray) -> float:
    return 10 * np.log10(np.mean(sound**2))
