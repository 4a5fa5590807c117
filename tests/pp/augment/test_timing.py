"""Changed speed and dropped frames: which frames are shown, and how many a window takes."""

import numpy as np
import pytest
import tensorflow as tf

from avsync.pp import augment
from avsync.pp.augment import draws, timing
from avsync.pp.augmentation import Augmentation

STRETCH = Augmentation(probability=1.0, stretch=0.15)
DROPS = Augmentation(probability=1.0, frame_drops=0.2)


def seed(i: int) -> tf.Tensor:
    return tf.constant([1, i])


def shown(num_frames: int, options: Augmentation, i: int) -> np.ndarray:
    count = tf.constant(num_frames)
    return augment.shown_frames(count, augmentation=options, seed=seed(i)).numpy()


def test_without_strength_every_frame_is_shown_once():
    np.testing.assert_array_equal(shown(9, Augmentation(), 0), np.arange(9))
    assert augment.source_frames(9, augmentation=Augmentation(), seed=seed(0)) == 9


def test_the_speed_changes_within_its_range_and_frames_keep_their_order():
    lengths = []
    for i in range(40):
        frames = shown(200, STRETCH, i)
        lengths.append(len(frames) / 200)
        assert set(np.diff(frames)) <= {0, 1, 2}
        # Each output frame shows the frame of the clip that lasts over its own middle.
        factor = float(timing.slowness(draws.draw(STRETCH, seed(i))))
        times = (np.arange(len(frames)) + 0.5) / factor
        assert np.abs(frames + 0.5 - times).max() <= 0.5
        assert abs(np.mean(frames + 0.5 - times)) < 0.1
    assert 0.845 <= min(lengths) < 0.88
    assert 1.12 < max(lengths) <= 1.155


@pytest.mark.parametrize("window", [1, 20, 72])
def test_the_source_of_a_window_fills_it(window):
    for i in range(40):
        num_source = int(augment.source_frames(window, augmentation=STRETCH, seed=seed(i)))
        assert window <= len(shown(num_source, STRETCH, i)) <= window + 1


def test_a_dropped_frame_shows_a_neighbour_before_as_often_as_after():
    moves, shares = [], []
    for i in range(40):
        frames = shown(200, DROPS, i)
        assert len(frames) == 200
        moved = frames - np.arange(200)
        assert set(moved) <= {-1, 0, 1}
        moves.append(moved.mean())
        shares.append((moved != 0).mean())
    assert max(shares) < 0.27
    assert max(shares) > 0.14
    assert abs(np.mean(moves)) < 0.01


@pytest.mark.parametrize("num_frames", [0, 1, 2])
def test_clips_of_hardly_any_frames_stay_within_themselves(num_frames):
    options = STRETCH._replace(frame_drops=0.5)
    for i in range(20):
        frames = shown(num_frames, options, i)
        assert len(frames) <= num_frames
        assert all(0 <= frame < num_frames for frame in frames)
