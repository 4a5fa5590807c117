"""Mouth and sound of many talkers are in step: measured without a model, to 5 ms."""

import dataclasses

import numpy as np
import pytest

from avsync.datasets.synthesis.articulation import STEPS_PER_FRAME
from avsync.datasets.synthesis.many.gestures import Gestures, perform
from avsync.datasets.synthesis.many.language import draw_language
from avsync.datasets.synthesis.many.mouth import shape_mouth
from avsync.datasets.synthesis.many.person import Person
from avsync.datasets.synthesis.many.picture import picture
from avsync.datasets.synthesis.many.recording import record
from avsync.datasets.synthesis.many.vocal_tract import HOP, utter
from avsync.units import SAMPLES_PER_FRAME
from tests.datasets.synthesis.many.people import still_person

NUM_FRAMES = 300
REACH_STEPS = 12  # 60 ms


@pytest.fixture(scope="module")
def person() -> Person:
    """In a quiet room."""
    drawn = still_person(3)
    return dataclasses.replace(
        drawn,
        room=dataclasses.replace(drawn.room, noise_db=60.0, direct=6.0),
        voice=dataclasses.replace(drawn.voice, pitch_hertz=200.0),
    )


@pytest.fixture(scope="module")
def gestures(person: Person) -> Gestures:
    language = draw_language(np.random.default_rng(0))
    num_steps = NUM_FRAMES * STEPS_PER_FRAME
    return perform(language, person.habits, np.random.default_rng(1), num_steps=num_steps)


@pytest.fixture(scope="module")
def opening(person: Person, gestures: Gestures) -> np.ndarray:
    """Dark pixels of the mouth in each frame."""
    rng = np.random.default_rng(0)
    shapes = shape_mouth(gestures, person.habits, person.face, person.camera, rng)
    crops = picture(shapes, person.face, person.camera, rng)
    return (crops[:, 30:70, 18:78] < 55).sum(axis=(1, 2)).astype(float)


@pytest.fixture(scope="module")
def loudness(person: Person, gestures: Gestures) -> np.ndarray:
    """RMS of the recording in each step."""
    rng = np.random.default_rng(0)
    sound = record(utter(gestures, person.voice, rng), person.room, rng).astype(float)
    return np.sqrt((sound.reshape(-1, HOP) ** 2).mean(axis=1))


def test_frames_and_samples_cover_the_same_time(opening: np.ndarray, loudness: np.ndarray):
    assert len(loudness) * HOP == len(opening) * SAMPLES_PER_FRAME


def test_the_seen_opening_is_at_the_time_of_the_gesture(opening: np.ndarray, gestures: Gestures):
    assert steps_late(opening, gestures.aperture) == 0


def test_the_sound_is_at_the_time_of_its_source(loudness: np.ndarray, gestures: Gestures):
    source = gestures.voicing * gestures.stress**1.5 * np.sqrt(np.clip(gestures.aperture, 0, 1))
    # The vocal tract rings for a few milliseconds: at most one step.
    assert steps_late(frames(source), loudness) in (-1, 0)


def test_the_seen_opening_fits_the_heard_loudness_best_in_place(
    opening: np.ndarray, loudness: np.ndarray
):
    # Half a frame at most: lips open a little before they are heard.
    assert abs(steps_late(opening, loudness)) < STEPS_PER_FRAME / 2


@pytest.mark.parametrize("lag", [-STEPS_PER_FRAME, -1, 1, STEPS_PER_FRAME])
def test_the_measure_sees_a_picture_out_of_step(opening: np.ndarray, gestures: Gestures, lag: int):
    assert steps_late(opening, np.roll(gestures.aperture, -lag)) == lag


def test_the_mouth_is_shut_while_the_lips_close_a_sound(opening: np.ndarray, gestures: Gestures):
    closure, jaw = frames(gestures.closure), frames(gestures.jaw)
    assert (closure > 0.95).any()
    assert opening[closure > 0.95].max() < 10
    assert opening[(closure < 0.05) & (jaw > 0.5)].min() > 30


def frames(path: np.ndarray) -> np.ndarray:
    """The mean of each frame."""
    return path.reshape(-1, STEPS_PER_FRAME).mean(axis=1)


def steps_late(seen: np.ndarray, path: np.ndarray) -> int:
    """Steps by which `seen`, a value per frame, is later than `path`: where the two fit best."""
    lags = range(-REACH_STEPS, REACH_STEPS + 1)
    fits = [np.corrcoef(seen[2:-2], frames(np.roll(path, lag))[2:-2])[0, 1] for lag in lags]
    return lags[int(np.argmax(fits))]
