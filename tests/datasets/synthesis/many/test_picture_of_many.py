"""The drawn mouth of many talkers follows its gestures, and the crop follows the mouth."""

import dataclasses

import numpy as np
import pytest

from avsync.datasets.synthesis.articulation import STEPS_PER_FRAME
from avsync.datasets.synthesis.many.gestures import Gestures
from avsync.datasets.synthesis.many.mouth import BOTTOM, JAW, TOP, shape_mouth
from avsync.datasets.synthesis.many.person import Person
from avsync.datasets.synthesis.many.picture import picture
from tests.datasets.synthesis.many.people import still_person


@pytest.fixture(scope="module")
def person() -> Person:
    return still_person(0)


def test_a_dropping_jaw_shows_the_dark_inside(person: Person):
    narrow, wide = crops_of(person, jaw=[0.1, 1.0])
    assert num_dark(wide) > 3 * num_dark(narrow)


def test_closed_lips_hide_the_inside(person: Person):
    closed, opened = crops_of(person, jaw=[0.8, 0.8], closure=[1.0, 0.0])
    assert num_dark(closed) < 5
    assert num_dark(opened) > 50


def test_rounded_lips_open_less_wide(person: Person):
    spread, rounded = crops_of(person, jaw=[0.6, 0.6], spread=[0.6, -1.0])
    assert is_dark(rounded).any(axis=0).sum() < 0.8 * is_dark(spread).any(axis=0).sum()


def test_the_crop_is_centred_on_the_mouth_however_far_it_opens(person: Person):
    jaw = [0.0, 0.3, 0.6, 1.0]
    shapes = shapes_of(person, jaw=jaw)
    middles = [np.argwhere(is_dark(crop)).mean(axis=0)[0] for crop in crops_of(person, jaw=jaw)[1:]]
    assert np.ptp(0.5 * (shapes[:, TOP] + shapes[:, BOTTOM])) > 3
    assert np.ptp(middles) < 3


@pytest.mark.parametrize("exposure", [0.1, 0.4, 0.6, 1.0])
def test_a_frame_shows_the_gestures_around_its_middle(person: Person, exposure: float):
    camera = dataclasses.replace(person.camera, exposure=exposure)
    rising = np.linspace(0, 1, 10 * STEPS_PER_FRAME)
    zeros = {name: np.zeros(len(rising)) for name in Gestures._fields}
    gestures = Gestures(**{**zeros, "jaw": rising})
    rng = np.random.default_rng(0)
    chins = shape_mouth(gestures, person.habits, person.face, camera, rng)[:, JAW]
    middles = rising.reshape(-1, STEPS_PER_FRAME).mean(axis=1)
    np.testing.assert_allclose(chins, person.face.chin_drop * middles, atol=1e-4)


def shapes_of(person: Person, **moves: list[float]) -> np.ndarray:
    num_frames = len(next(iter(moves.values())))
    values = {name: np.zeros(num_frames) for name in Gestures._fields}
    values |= {name: np.asarray(move) for name, move in moves.items()}
    gestures = Gestures(
        **{name: np.repeat(value, STEPS_PER_FRAME) for name, value in values.items()}
    )
    rng = np.random.default_rng(0)
    return shape_mouth(gestures, person.habits, person.face, person.camera, rng)


def crops_of(person: Person, **moves: list[float]) -> np.ndarray:
    shapes = shapes_of(person, **moves)
    return picture(shapes, person.face, person.camera, np.random.default_rng(0))


def is_dark(crop: np.ndarray) -> np.ndarray:
    """True for pixels near the mouth that show its dark inside."""
    return crop[30:70, 18:78] < 55


def num_dark(crop: np.ndarray) -> int:
    return int(is_dark(crop).sum())
