"""Windows, padding and realignment in whole video frames."""

import pytest
import tensorflow as tf

from avsync.pp.frames import FrameRange, pad, random_window, realign

FRAMES = tf.range(5)
SOUND = tf.range(10)  # two samples per frame: frame i sounds in 2 i and 2 i + 1


def window(first: int, end: int, length: int, seed: int) -> tuple[int, int]:
    kept = FrameRange(tf.constant(first), tf.constant(end))
    drawn = random_window(kept, window_frames=length, seed=tf.constant([0, seed]))
    return int(drawn.first), int(drawn.end)


def test_windows_start_anywhere_within_the_kept_frames():
    starts = set()
    for seed in range(100):
        first, end = window(2, 10, 5, seed)
        assert end - first == 5
        starts.add(first)
    assert starts == {2, 3, 4, 5}


def test_the_window_of_a_short_clip_is_the_whole_clip():
    assert window(2, 6, 5, seed=0) == (2, 6)


def test_the_window_of_an_empty_clip_is_empty():
    assert window(6, 6, 5, seed=0) == (6, 6)


def test_padding_adds_zeros_at_the_end():
    padded = pad(tf.ones([2, 3], tf.uint8), 4)
    assert padded.numpy().tolist() == [[1, 1, 1], [1, 1, 1], [0, 0, 0], [0, 0, 0]]
    assert padded.shape == (4, 3)


@pytest.mark.parametrize(
    ("late_frames", "frames", "sound"),
    [
        (0, [0, 1, 2, 3, 4], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (2, [0, 1, 2], [4, 5, 6, 7, 8, 9]),
        (-1, [1, 2, 3, 4], [0, 1, 2, 3, 4, 5, 6, 7]),
        (5, [], []),
        (-9, [], []),
    ],
)
def test_realignment_pairs_each_frame_with_its_late_sound(late_frames, frames, sound):
    visual, audio = realign(FRAMES, SOUND, late_frames=tf.constant(late_frames), audio_steps=2)
    assert visual.numpy().tolist() == frames
    assert audio.numpy().tolist() == sound
