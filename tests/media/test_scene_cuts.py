"""A cut is told from all that changes a picture more slowly, or for a moment."""

from pathlib import Path

import numpy as np
import pytest

from avsync.media.decode import decode
from avsync.media.landmarks.base import load_detector
from avsync.media.scene_cuts import mark_cuts
from avsync.media.tracks import find_tracks


def cuts(frames: np.ndarray) -> list[int]:
    """The frames that begin a scene; all frames must come out as they went in."""
    shots = list(mark_cuts(frames))
    np.testing.assert_array_equal(np.stack([shot.frame for shot in shots]), frames)
    return [index for index, shot in enumerate(shots) if shot.begins_scene]


def scene(num_frames: int, *, seed: int, moved_pixels: int = 1) -> np.ndarray:
    """A picture that moves to the left by so many pixels a frame."""
    coarse = np.random.default_rng(seed).integers(40, 160, (6, 60)).astype(np.uint8)
    wide = coarse.repeat(10, axis=0).repeat(10, axis=1)
    return np.stack([wide[:, i * moved_pixels :][:, :90] for i in range(num_frames)])


@pytest.mark.parametrize("at", [1, 2, 20, 38, 39])
def test_a_cut_is_found_wherever_it_is(at):
    assert cuts(np.concatenate([scene(at, seed=0), scene(40 - at, seed=1)])) == [at]


def test_each_of_several_cuts_is_found():
    scenes = [scene(10, seed=seed) for seed in range(4)]
    assert cuts(np.concatenate(scenes)) == [10, 20, 30]


def test_a_pan_is_no_cut_however_fast():
    assert cuts(scene(40, seed=0, moved_pixels=12)) == []


def test_a_fade_is_no_cut():
    share = np.linspace(0, 1, 12)[:, None, None]
    fade = (1 - share) * scene(12, seed=0) + share * scene(12, seed=1)
    assert cuts(fade.astype(np.uint8)) == []


def test_neither_a_flash_nor_a_change_of_light_is_a_cut():
    frames = scene(40, seed=0)
    frames[20] = 255
    frames[30:] //= 2
    assert cuts(frames) == []


def test_a_black_picture_is_like_another_and_unlike_a_scene():
    black = np.zeros((10, 60, 90), np.uint8)
    assert cuts(black) == []
    assert cuts(np.concatenate([black, scene(10, seed=0)])) == [10]


@pytest.mark.parametrize("num_frames", [0, 1, 2, 3, 4])
def test_a_film_may_be_of_any_length(num_frames):
    shots = list(mark_cuts([scene(1, seed=0)[0]] * num_frames))
    assert [shot.begins_scene for shot in shots] == [False] * num_frames


@pytest.mark.grid
def test_a_cut_from_a_talker_to_another_ends_the_track_of_the_face(testdata: Path):
    one, other = sorted((testdata / "grid_speakers").glob("*.mpg"))[:2]
    spliced = np.concatenate([decode(one).frames[:40], decode(other).frames[40:70]])
    assert cuts(spliced) == [40]
    tracks = find_tracks(spliced, load_detector("trees68"))
    seen = [np.flatnonzero(track.is_seen).tolist() for track in tracks]
    assert seen == [list(range(40)), list(range(40, 70))]
