"""Speech detection relative to the noise of the clip."""

import numpy as np
import pytest

from avsync.datasets.fabricate import CannotFabricate
from avsync.datasets.fabricate._speech import draw_speech_segment, speech_frames
from avsync.media.decode import decode


def test_loud_frames_are_speech_at_any_recording_level(talking_clip):
    clip = talking_clip(speech=slice(15, 50))
    expected = np.zeros(60, bool)
    expected[15:50] = True
    np.testing.assert_array_equal(speech_frames(clip.waveform), expected)
    np.testing.assert_array_equal(speech_frames(clip.waveform // 8), expected)


def test_digital_silence_does_not_turn_room_noise_into_speech(talking_clip):
    waveform = talking_clip(speech=slice(30, 50)).waveform.copy()
    waveform[: 15 * 640] = 0
    np.testing.assert_array_equal(np.flatnonzero(speech_frames(waveform)), np.arange(30, 50))


@pytest.mark.parametrize("level", [0, 1_000])
def test_steady_sound_is_not_speech(level):
    noise = np.random.default_rng(0).uniform(-1, 1, 60 * 640) * level
    assert not speech_frames(noise.astype(np.int16)).any()


def test_every_segment_of_speech_can_be_drawn(talking_clip):
    clip = talking_clip(speech=slice(20, 32))
    drawn = {draw_speech_segment(clip, 10, rng=np.random.default_rng(i)).start for i in range(100)}
    # 12 frames of speech, 8 of 10 suffice: from 2 frames before its start to 2 after its end
    assert drawn == set(range(18, 25))


def test_a_short_clip_has_no_long_segment(talking_clip):
    with pytest.raises(CannotFabricate, match=r"no 0\.4 s segment of speech"):
        draw_speech_segment(talking_clip(num_frames=5), 10, rng=np.random.default_rng(0))


@pytest.mark.grid
@pytest.mark.parametrize("name", ["bbaf2n", "lgif2p", "srwv2p"])
def test_segments_of_real_clips_are_mostly_words(testdata, talking_clip, name):
    waveform = decode(testdata / "grid_s1" / "video" / f"{name}.mkv").waveform
    num_frames = len(waveform) // 640
    clip = talking_clip(name, num_frames=num_frames).replace(waveform=waveform)
    is_word = np.zeros(num_frames, bool)
    for line in (testdata / "grid_s1" / "align" / f"{name}.align").read_text().splitlines():
        start, end, word = line.split()
        # in units of 1/25,000 s: a thousand of them are one video frame
        is_word[int(start) // 1000 : -(-int(end) // 1000)] |= word not in {"sil", "sp"}
    assert 0.2 < is_word.mean() < 0.8
    for seed in range(20):
        segment = draw_speech_segment(clip, 20, rng=np.random.default_rng(seed))
        assert is_word[segment].mean() >= 0.75
