"""Sound that is late moves back, picture and sound stay of one length."""

import pytest
import tensorflow as tf

from avsync.pp.resync import resync

FRAMES = tf.range(5)
SOUND = tf.range(10)  # two samples a frame: frame i sounds in 2 i and 2 i + 1


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
def test_a_frame_gets_the_sound_that_came_late(late_frames, frames, sound):
    visual, audio = resync(FRAMES, SOUND, late_frames=tf.constant(late_frames), steps=2)
    assert visual.numpy().tolist() == frames
    assert audio.numpy().tolist() == sound
