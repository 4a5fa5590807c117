"""Clips whose sound is moved to where it fits, on frames and samples that say which they are."""

import numpy as np
import pytest

from avsync.scoring import OffsetStretch
from avsync.scoring.video.resyncing import resynced
from tests.scoring.video.test_windows import clip

SAMPLES = slice(None, None, 640)


@pytest.mark.parametrize(("offset", "first_frame", "first_sound"), [(5, 0, 5), (-5, 5, 0)])
def test_a_resynced_clip_shows_each_frame_with_the_sound_that_came_late(
    offset, first_frame, first_sound
):
    moved, origin = resynced(clip(100), [OffsetStretch(0, 100, offset)])
    assert moved.num_frames == len(origin) == 95
    assert origin[0] == first_frame
    assert moved.read(0, 1)[0, 0, 0, 0] == first_frame
    assert moved.read(94, 95)[0, 0, 0, 0] == first_frame + 94
    assert moved.waveform[0] == first_sound
    assert moved.waveform[-1] == first_sound + 94


@pytest.mark.parametrize("offset", [6, -6])
def test_each_stretch_is_moved_by_its_own_offset(offset):
    stretches = [OffsetStretch(0, 50, 0), OffsetStretch(50, 100, offset)]
    moved, origin = resynced(clip(100), stretches)
    frames = [*range(50), *range(50, 94 if offset > 0 else 100)]
    assert origin.tolist() == frames
    assert moved.read(0, len(frames))[:, 0, 0, 0].tolist() == frames
    assert moved.read(40, 60)[:, 0, 0, 0].tolist() == frames[40:60]
    sound = moved.waveform[SAMPLES]
    np.testing.assert_array_equal(sound, [i if i < 50 else i + offset for i in frames])


def test_nothing_is_left_of_a_clip_that_is_moved_by_more_than_its_length():
    moved, origin = resynced(clip(4), [OffsetStretch(0, 4, -5)])
    assert moved.num_frames == len(origin) == len(moved.waveform) == 0
