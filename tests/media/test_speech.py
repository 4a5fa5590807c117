"""Speech is heard where it is, and only there."""

import subprocess
import sys
from pathlib import Path

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


# Prints the number of threads of the process before and after the first sound.
THREADS = """
from pathlib import Path
import numpy as np
from avsync.media.speech import speech_probability

def num_threads():
    return len(list(Path("/proc/self/task").iterdir()))

before = num_threads()
speech_probability(np.zeros(16_000, np.int16))
print(before, num_threads())
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts threads in /proc")
def test_the_detector_starts_no_threads():
    printed = subprocess.run(
        [sys.executable, "-c", THREADS], capture_output=True, text=True, check=True
    ).stdout
    before, after = printed.split()
    assert after == before
