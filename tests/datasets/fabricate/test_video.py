"""Fake video: frozen, reversed, and combined with fake sound."""

import numpy as np

from avsync.datasets.fabricate import both, freeze, reverse


def test_freeze_repeats_one_frame_for_the_whole_segment(talking_clip):
    fake = freeze.fabricate(talking_clip("real"), talking_clip("donor"), np.random.default_rng(0))
    ((start, end),) = fake.fake_segments
    first, last = round(start * 25), round(end * 25)
    expected = list(range(60))
    expected[first:last] = [first] * 20
    assert list(fake.frames[:, 0, 0, 0]) == expected


def test_reverse_plays_only_the_segment_backwards(talking_clip):
    fake = reverse.fabricate(talking_clip("real"), talking_clip("donor"), np.random.default_rng(0))
    ((start, end),) = fake.fake_segments
    first, last = round(start * 25), round(end * 25)
    expected = list(range(60))
    expected[first:last] = range(last - 1, first - 1, -1)
    assert list(fake.frames[:, 0, 0, 0]) == expected


def test_both_draws_independent_segments_for_sound_and_video(talking_clip):
    real, donor = talking_clip("real"), talking_clip("donor")
    num_segments = set()
    for seed in range(20):
        fake = both.fabricate(real, donor, np.random.default_rng(seed), seconds=0.4)
        num_segments.add(len(fake.fake_segments))
        forged = sum(end - start for start, end in fake.fake_segments)
        assert 0.4 <= round(forged, 6) <= 0.8
    assert num_segments == {1, 2}  # overlapping segments are merged
