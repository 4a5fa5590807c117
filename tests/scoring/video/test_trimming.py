"""Trimming in NumPy equals the rules that trim datasets in tf.data."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from avsync.media.decode import Recording
from avsync.media.footage import Footage
from avsync.media.tracks import MouthTrack
from avsync.pp import silence
from avsync.scoring.video.trimming import RULES, TrimmedTrack, kept_frames, trim_track
from avsync.units import SAMPLES_PER_FRAME, SILENCE_LEVEL

LEVELS = [0, SILENCE_LEVEL, -SILENCE_LEVEL, SILENCE_LEVEL + 1, -SILENCE_LEVEL - 1, -32_768, 32_767]


@settings(deadline=None, max_examples=200)
@given(
    num_silent=st.integers(0, 6 * SAMPLES_PER_FRAME),
    sound=arrays.arrays(np.int16, st.integers(0, 50), elements=st.sampled_from(LEVELS)),
    num_samples=st.integers(0, 5 * SAMPLES_PER_FRAME),
    rule=st.sampled_from(RULES),
)
@example(0, np.array([-32_768], np.int16), 2 * SAMPLES_PER_FRAME, "leading")
@example(2 * SAMPLES_PER_FRAME, np.array([17], np.int16), 4 * SAMPLES_PER_FRAME, "leading")
def test_every_rule_keeps_the_frames_that_the_tf_data_rule_keeps(
    num_silent, sound, num_samples, rule
):
    waveform = np.resize(
        np.concatenate([np.zeros(num_silent, np.int16), sound, np.zeros(1, np.int16)]), num_samples
    )
    kept = silence.rule(rule)(tf.constant(waveform), tf.constant([0, 0]))
    ours = kept_frames(waveform, rule=rule)
    assert (ours.start, ours.stop) == (int(kept.first), int(kept.end))


@pytest.mark.parametrize(
    ("num_silent", "num_cut"), [(0, 0), (1, 1), (639, 1), (640, 2), (6_400, 10)]
)
def test_leading_silence_is_cut_with_the_frame_in_which_sound_begins(num_silent, num_cut):
    waveform = np.full(10 * SAMPLES_PER_FRAME, 1_000, np.int16)
    waveform[:num_silent] = SILENCE_LEVEL
    assert kept_frames(waveform, rule="leading") == range(num_cut, 10)


@pytest.mark.parametrize(
    ("first", "late", "frames"),
    [
        (10, 0, range(10, 90)),
        (10, 3, range(10, 90)),  # the face is gone before the sound ends
        (10, -3, range(10, 90)),
        (40, 3, range(40, 97)),  # the sound of the last frames lies beyond the file
        (1, -3, range(3, 81)),  # and that of the first ones before it
    ],
)
def test_the_sound_of_a_face_is_moved_by_the_offset_of_the_reference_clips(first, late, frames):
    waveform = np.repeat(100 * np.arange(1, 101), SAMPLES_PER_FRAME).astype(np.int16)
    footage = Footage(Recording(waveform, 0, 4.0, 4.0, {}), [])
    track = MouthTrack(first)
    track.places.extend(range(first, first + 80))
    trimmed = trim_track(track, footage, rule="none", needs_speech=False, late_frames=late)
    assert isinstance(trimmed, TrimmedTrack)
    assert (trimmed.first, trimmed.places.tolist()) == (frames.start, list(frames))
    heard = trimmed.waveform[::SAMPLES_PER_FRAME] // 100 - 1
    assert heard.tolist() == [frame + late for frame in frames]
