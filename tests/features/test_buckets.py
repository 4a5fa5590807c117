"""Clips of like length go through the encoder together, each once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avsync.features.buckets import SHORTEST_FRAMES, buckets, rounded_up

LENGTHS = st.lists(st.integers(1, 3000), min_size=1, max_size=60)


@given(LENGTHS, st.integers(1, 4))
def test_every_clip_is_in_one_batch_and_fits(lengths, num_devices):
    found = buckets(np.array(lengths), frames_per_batch=1000, num_devices=num_devices)
    assert sorted(place for bucket in found for place in bucket.places) == list(range(len(lengths)))
    for bucket in found:
        assert max(lengths[place] for place in bucket.places) <= bucket.num_frames
        assert len(bucket.places) <= bucket.num_rows
        assert bucket.num_rows % num_devices == 0


@given(LENGTHS)
def test_no_device_is_given_more_frames_than_it_takes_but_for_one_long_clip(lengths):
    for bucket in buckets(np.array(lengths), frames_per_batch=500, num_devices=2):
        assert bucket.num_rows * bucket.num_frames <= 2 * 500 or bucket.num_rows == 2


@given(st.integers(1, 20_000))
def test_rounding_up_adds_an_eighth_at_most(num_frames):
    assert num_frames <= rounded_up(num_frames)
    assert rounded_up(num_frames) <= max(num_frames * 9 / 8 + 1, SHORTEST_FRAMES)


def test_there_are_eight_lengths_an_octave():
    assert len({rounded_up(n) for n in range(101, 201)}) == 8


def test_the_longest_clips_come_first():
    found = buckets(np.array([10, 75, 75, 30, 200]), frames_per_batch=225, num_devices=1)
    assert [bucket.places for bucket in found] == [[4], [1, 2, 3], [0]]


@pytest.mark.parametrize(("num_clips", "num_rows"), [(1, 1), (2, 2), (4, 5), (8, 10), (10, 10)])
def test_the_last_clips_have_a_batch_of_fewer_rows(num_clips, num_rows):
    (bucket,) = buckets(np.full(num_clips, 100), frames_per_batch=1000, num_devices=1)
    assert bucket.num_rows == num_rows
