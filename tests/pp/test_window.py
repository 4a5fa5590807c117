"""Windows of fixed length."""

import tensorflow as tf

from avsync.pp.silence import Kept
from avsync.pp.window import pad, random_window


def window(first: int, end: int, length: int, seed: int) -> tuple[int, int]:
    kept = Kept(tf.constant(first), tf.constant(end))
    cut = random_window(kept, window_frames=length, seed=tf.constant([0, seed]))
    return int(cut.first), int(cut.end)


def test_a_window_lies_anywhere_within_what_was_kept():
    starts = set()
    for seed in range(100):
        first, end = window(2, 10, 5, seed)
        assert end - first == 5
        starts.add(first)
    assert starts == {2, 3, 4, 5}


def test_a_short_clip_is_kept_whole():
    assert window(2, 6, 5, seed=0) == (2, 6)


def test_an_empty_clip_gives_an_empty_window():
    assert window(6, 6, 5, seed=0) == (6, 6)


def test_padding_adds_zeros_behind():
    padded = pad(tf.ones([2, 3], tf.uint8), 4)
    assert padded.numpy().tolist() == [[1, 1, 1], [1, 1, 1], [0, 0, 0], [0, 0, 0]]
    assert padded.shape == (4, 3)
