"""The drawn mouth follows the articulators; the camera adds motion."""

import dataclasses

import numpy as np
import pytest

from avsync.datasets.synthesis.articulation import STEPS_PER_FRAME, Articulation, articulate
from avsync.datasets.synthesis.camera import film
from avsync.datasets.synthesis.mouth import MIDDLE, draw
from avsync.datasets.synthesis.talker import Face, draw_talker


@pytest.fixture
def face() -> Face:
    """A face without idle motion."""
    _, drawn = draw_talker(np.random.default_rng(0))
    return dataclasses.replace(drawn, restlessness=0.0, beard=0.0, teeth=3.0, skin=130.0)


def test_a_dropping_jaw_darkens_the_mouth(face: Face) -> None:
    narrow, wide = draw(posture(jaw=[0.1, 1.0]), face, np.random.default_rng(0))
    assert num_dark(wide, face) > 3 * num_dark(narrow, face)


def test_closed_lips_hide_the_inside_of_the_mouth(face: Face) -> None:
    closed, opened = draw(posture(jaw=[0.8, 0.8], closure=[1, 0]), face, np.random.default_rng(0))
    assert num_dark(closed, face) == 0
    assert num_dark(opened, face) > 50


def test_rounded_lips_open_less_wide(face: Face) -> None:
    spread, rounded = draw(
        posture(jaw=[0.6, 0.6], spread=[0.5, -1]), face, np.random.default_rng(0)
    )
    assert width_dark(rounded, face) < 0.75 * width_dark(spread, face)


def test_the_chin_follows_the_jaw_and_the_nose_does_not(face: Face) -> None:
    up, down = draw(posture(jaw=[0, 1], closure=[1, 1]), face, np.random.default_rng(0))
    np.testing.assert_array_equal(up[: MIDDLE - 25], down[: MIDDLE - 25])
    assert np.abs(up - down)[MIDDLE + 25 :].max() > 5


def test_the_head_moves_but_stays_in_the_crop() -> None:
    rng = np.random.default_rng(4)
    _, face = draw_talker(rng)
    articulation = articulate(rng, num_frames=60, speaking_rate=1.0)
    crops = film(draw(articulation, face, rng), face, rng)
    assert crops.shape == (60, 96, 96, 1)
    # The cheek beside the nose does not move with speech and stays in the crop.
    cheek = crops[:, 20:30, 8:18, 0].astype(float)
    assert np.abs(np.diff(cheek, axis=0)).mean() > 0.5
    assert cheek.mean(axis=(1, 2)).std() < 0.2 * cheek.mean()


def posture(**moves: list[float]) -> Articulation:
    """One frame per value; other articulators are at rest."""
    num_frames = len(next(iter(moves.values())))
    rest = np.zeros(num_frames * STEPS_PER_FRAME)
    trajectories = {field.name: rest for field in dataclasses.fields(Articulation)}
    for name, values in moves.items():
        trajectories[name] = np.repeat(np.asarray(values, float), STEPS_PER_FRAME)
    return Articulation(**trajectories)


def dark(picture: np.ndarray, face: Face) -> np.ndarray:
    """True for pixels around the mouth that show its dark inside."""
    return picture[MIDDLE - 15 : MIDDLE + 30, MIDDLE - 30 : MIDDLE + 30] < 0.3 * face.skin


def num_dark(picture: np.ndarray, face: Face) -> int:
    return int(dark(picture, face).sum())


def width_dark(picture: np.ndarray, face: Face) -> int:
    return int(dark(picture, face).any(axis=0).sum())
