"""Clips of which nothing is said."""

import re

import numpy as np
import pytest

from avsync.scoring import abstention, no_speech


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


def test_steady_sound_is_no_speech():
    rng = np.random.default_rng(0)
    times = np.arange(32_000) / 16_000
    chord = 4_000 * (np.sin(2 * np.pi * 220 * times) + np.sin(2 * np.pi * 330 * times))
    for steady in (chord, rng.normal(0, 2_000, 32_000), np.full(32_000, 100.0)):
        found = no_speech(steady.astype(np.int16))
        assert found is not None
        assert found.status == "no_speech"
        assert re.search(r"varies by \d\.\d dB", found.message)


def test_sound_that_rises_and_falls_may_be_speech_even_in_noise():
    rng = np.random.default_rng(0)
    syllables = np.repeat(np.tile([3_000, 300], 8), 2_000) * rng.normal(0, 1, 32_000)
    noise = rng.normal(0, 2_000, 32_000)  # about as loud
    assert no_speech(syllables.astype(np.int16)) is None
    assert no_speech((syllables + noise).astype(np.int16)) is None
