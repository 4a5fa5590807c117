"""Clips of which nothing is said."""

import re

import pytest

from avsync.scoring import abstention


def test_a_clip_of_a_second_or_more_that_sounds_is_judged():
    assert abstention(25) is None
    assert abstention(60, silent_seconds=1.4) is None


@pytest.mark.parametrize(
    ("num_frames", "silent_seconds", "status", "message"),
    [
        (0, 0.0, "all_silent", "no sound is left"),
        (75, 3.0, "all_silent", "no sound is left"),
        (24, 0.0, "too_short", "0.96 s are left .* at least 1.00 s"),
        (60, 1.42, "too_short", "0.96 s are left"),
    ],
)
def test_what_is_left_of_a_clip_says_why_it_is_not_judged(
    num_frames, silent_seconds, status, message
):
    found = abstention(num_frames, silent_seconds=silent_seconds)
    assert found is not None
    assert found.status == status
    assert re.search(message, found.message)
