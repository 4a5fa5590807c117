"""Speech is heard where it is, and only there."""

import numpy as np
import pytest

from avsync.media.decode import open_video
from avsync.media.speech import speech_frames, speech_probability

SECONDS = np.arange(2 * 16_000) / 16_000


@pytest.mark.grid
def test_a_sentence_is_speech_and_the_pauses_around_it_are_not(testdata):
    path = testdata / "grid_s1" / "video" / "bbaf2n.mkv"
    with open_video(path) as video:
        num_frames = sum(1 for _ in video.frames())
        waveform = video.recording().waveform
    found = speech_frames(waveform)
    assert len(found) == num_frames
    # By its alignment, it is spoken from 23750 to 42750, in units of 1 / 25,000 s.
    words = np.zeros(num_frames, bool)
    words[round(0.95 * 25) : round(1.71 * 25)] = True
    assert found[words].mean() > 0.9
    assert found[:15].sum() == 0
    assert found[-10:].sum() == 0


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(32_000),
        8_000 * np.sin(2 * np.pi * 440 * SECONDS),
        np.random.default_rng(0).normal(0, 3_000, 32_000) * (1 + np.sin(25 * SECONDS)),
    ],
    ids=["silence", "tone", "noise that rises and falls"],
)
def test_sounds_that_are_no_speech(sound):
    waveform = np.clip(sound, -32_768, 32_767).astype(np.int16)
    assert not speech_frames(waveform).any()
    assert speech_probability(waveform).max() < 0.2


def test_any_length_has_a_probability_for_each_whole_frame():
    for num_samples in (0, 639, 640, 1_000, 10_000):
        waveform = np.zeros(num_samples, np.int16)
        assert speech_probability(waveform).shape == (num_samples // 640,)
