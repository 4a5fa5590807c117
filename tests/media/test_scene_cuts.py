"""Cuts are distinguished from pans, fades and flashes."""

from pathlib import Path

import numpy as np
import pytest

from avsync.media.landmarks.base import load_detector
from avsync.media.scene_cuts import mark_cuts
from tests.media.whole_files import decode, landmarks_of_faces, seen_frames


def cuts(frames: np.ndarray) -> list[int]:
    """The frames that begin a scene; all frames must come out unchanged."""
    shots = list(mark_cuts(frames))
    np.testing.assert_array_equal(np.stack([shot.frame for shot in shots]), frames)
    return [index for index, shot in enumerate(shots) if shot.begins_scene]


def scene(num_frames: int, *, seed: int, moved_pixels: int = 1) -> np.ndarray:
    """An image that moves to the left by `moved_pixels` per frame."""
    coarse = np.random.default_rng(seed).integers(40, 160, (6, 60)).astype(np.uint8)
    wide = coarse.repeat(10, axis=0).repeat(10, axis=1)
    return np.stack([wide[:, i * moved_pixels :][:, :90] for i in range(num_frames)])


@pytest.mark.parametrize("at", [1, 2, 20, 38, 39])
def test_a_cut_is_found_at_any_frame(at):
    assert cuts(np.concatenate([scene(at, seed=0), scene(40 - at, seed=1)])) == [at]


def test_several_cuts_are_all_found():
    scenes = [scene(10, seed=seed) for seed in range(4)]
    assert cuts(np.concatenate(scenes)) == [10, 20, 30]


def test_a_fast_pan_is_not_a_cut():
    assert cuts(scene(40, seed=0, moved_pixels=12)) == []


def test_a_fade_is_not_a_cut():
    share = np.linspace(0, 1, 12)[:, None, None]
    fade = (1 - share) * scene(12, seed=0) + share * scene(12, seed=1)
    assert cuts(fade.astype(np.uint8)) == []


def test_neither_a_flash_nor_a_change_of_light_is_a_cut():
    frames = scene(40, seed=0)
    frames[20] = 255
    frames[30:] //= 2
    assert cuts(frames) == []


def test_black_frames_are_alike_and_differ_from_a_scene():
    black = np.zeros((10, 60, 90), np.uint8)
    assert cuts(black) == []
    assert cuts(np.concatenate([black, scene(10, seed=0)])) == [10]


@pytest.mark.parametrize("num_frames", [0, 1, 2, 3, 4])
def test_a_video_may_be_of_any_length(num_frames):
    shots = list(mark_cuts([scene(1, seed=0)[0]] * num_frames))
    assert [shot.begins_scene for shot in shots] == [False] * num_frames


@pytest.mark.grid
def test_a_cut_to_another_speaker_ends_the_track_of_the_face(testdata: Path):
    one, other = sorted((testdata / "grid_speakers").glob("*.mpg"))[:2]
    spliced = np.concatenate([decode(one).frames[:40], decode(other).frames[40:70]])
    assert cuts(spliced) == [40]
    tracks = landmarks_of_faces(spliced, load_detector("trees68"))
    assert [seen_frames(track) for track in tracks] == [list(range(40)), list(range(40, 70))]
