"""Clips that get no score, each with its status."""

import numpy as np
import pytest

from avsync.scoring import abstention, no_speech


def status(num_frames: int, silent_seconds: float) -> str | None:
    reason = abstention(num_frames, silent_seconds=silent_seconds)
    return reason and reason.status


@pytest.mark.parametrize(
    ("num_frames", "silent_seconds", "expected"),
    [
        (25, 0.0, None),
        (60, 1.4, None),
        (24, 0.0, "too_short"),
        (60, 1.42, "too_short"),
        (0, 0.0, "all_silent"),
        (75, 3.0, "all_silent"),
    ],
)
def test_a_clip_needs_a_second_after_its_leading_silence(num_frames, silent_seconds, expected):
    assert status(num_frames, silent_seconds) == expected


def test_the_message_of_a_short_clip_gives_its_length_and_the_minimum():
    reason = abstention(24)
    assert reason is not None
    assert reason.message == (
        "0.96 s are left after trimming leading silence; at least 1.00 s are needed"
    )


def test_steady_sound_is_not_speech():
    rng = np.random.default_rng(0)
    times = np.arange(32_000) / 16_000
    chord = 4_000 * (np.sin(2 * np.pi * 220 * times) + np.sin(2 * np.pi * 330 * times))
    for steady in (chord, rng.normal(0, 2_000, 32_000), np.full(32_000, 100.0)):
        reason = no_speech(steady.astype(np.int16))
        assert reason is not None
        assert reason.status == "no_speech"
    assert "varies by only 0.0 dB" in reason.message


def test_sound_that_rises_and_falls_may_be_speech_even_in_noise():
    rng = np.random.default_rng(0)
    syllables = np.repeat(np.tile([3_000, 300], 8), 2_000) * rng.normal(0, 1, 32_000)
    noise = rng.normal(0, 2_000, 32_000)  # about as loud
    assert no_speech(syllables.astype(np.int16)) is None
    assert no_speech((syllables + noise).astype(np.int16)) is None
