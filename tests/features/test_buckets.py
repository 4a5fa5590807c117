"""Clips of similar length share a batch of the encoder, each once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avsync.features.extractor import SHORTEST_FRAMES, buckets, rounded_up

LENGTHS = st.lists(st.integers(1, 3000), min_size=1, max_size=60)


@given(LENGTHS, st.integers(1, 4))
def test_every_clip_fits_into_exactly_one_batch(lengths, num_devices):
    found = buckets(np.array(lengths), frames_per_batch=1000, num_devices=num_devices)
    assert sorted(i for bucket in found for i in bucket.indices) == list(range(len(lengths)))
    for bucket in found:
        assert max(lengths[i] for i in bucket.indices) <= bucket.num_frames
        assert len(bucket.indices) <= bucket.num_rows
        assert bucket.num_rows % num_devices == 0


@given(LENGTHS)
def test_no_device_exceeds_its_frames_except_for_one_long_clip(lengths):
    for bucket in buckets(np.array(lengths), frames_per_batch=500, num_devices=2):
        assert bucket.num_rows * bucket.num_frames <= 2 * 500 or bucket.num_rows == 2


@given(st.integers(1, 20_000))
def test_rounding_up_adds_at_most_an_eighth(num_frames):
    assert num_frames <= rounded_up(num_frames)
    assert rounded_up(num_frames) <= max(num_frames * 9 / 8 + 1, SHORTEST_FRAMES)


def test_there_are_eight_lengths_per_octave():
    assert len({rounded_up(n) for n in range(101, 201)}) == 8


def test_the_longest_clips_come_first():
    found = buckets(np.array([10, 75, 75, 30, 200]), frames_per_batch=225, num_devices=1)
    assert [bucket.indices for bucket in found] == [[4], [1, 2, 3], [0]]


@pytest.mark.parametrize(("num_clips", "num_rows"), [(1, 1), (2, 2), (4, 5), (8, 10), (10, 10)])
def test_the_last_batch_has_fewer_rows(num_clips, num_rows):
    (bucket,) = buckets(np.full(num_clips, 100), frames_per_batch=1000, num_devices=1)
    assert bucket.num_rows == num_rows
