"""Timestamps alone decide where a frame or a sample lands."""

import numpy as np
import pytest

from avsync.media.read_options import ReadOptions
from avsync.media.rejects import Reject
from avsync.units import SAMPLES_PER_FRAME
from tests.media.whole_files import decode

GREY_PER_SECOND = 80  # brightness encodes time: 12.5 ms per grey level, for up to 3 s
CLICK_SECONDS = 1.0


def clock(times: np.ndarray) -> np.ndarray:
    """Frames whose brightness encodes their time."""
    grey = np.round(np.asarray(times) * GREY_PER_SECOND).astype(np.uint8)
    return np.broadcast_to(grey[:, None, None], (len(grey), 48, 64))


def shown_seconds(frames: np.ndarray) -> np.ndarray:
    """The time that each decoded frame encodes."""
    return frames.mean(axis=(1, 2)) / GREY_PER_SECOND


def click(seconds: float, sample_rate: int, *, at: float = CLICK_SECONDS) -> np.ndarray:
    """Faint noise with a tone of 10 ms."""
    samples = np.random.default_rng(0).uniform(-0.01, 0.01, round(seconds * sample_rate))
    first, length = round(at * sample_rate), sample_rate // 100
    samples[first : first + length] += 0.8 * np.sin(
        np.arange(length) / sample_rate * 2 * np.pi * 1e3
    )
    return samples[None]


def heard_seconds(waveform: np.ndarray) -> float:
    """The time at which the click begins."""
    return float(np.argmax(np.abs(waveform.astype(float)) > 0.1 * 32768)) / 16_000


def reject_of(path) -> Reject:
    with pytest.raises(Reject) as caught:
        decode(path)
    return caught.value


@pytest.mark.parametrize("rate", [10, 24, 25, 30_000 / 1001, 30, 50, 60])
def test_frames_are_shown_at_their_own_time_at_any_frame_rate(write_media, rate):
    times = np.arange(round(2.4 * rate)) / rate
    path = write_media(frames=clock(times), times=times, sound=[(0, click(2.4, 16_000))])
    recording = decode(path)
    assert len(recording.frames) == 60
    grid = np.arange(60) / 25
    late = (shown_seconds(recording.frames) - grid)[grid <= times[-1]]
    assert np.abs(late).max() <= 0.5 / rate + 0.5 / GREY_PER_SECOND + 1e-3
    assert recording.facts["video_frames_per_second"] == pytest.approx(rate, rel=1e-3)


def test_frames_with_uneven_timestamps_are_shown_at_those_times(write_media):
    rng = np.random.default_rng(1)
    times = np.concatenate([[0], np.sort(rng.uniform(0.02, 2.38, 80)), [2.4]])
    path = write_media(frames=clock(times), times=times, sound=[(0, click(2.44, 16_000))])
    recording = decode(path)
    grid = np.arange(len(recording.frames)) / 25
    nearest = times[np.abs(times[None] - grid[:, None]).argmin(axis=1)]
    np.testing.assert_allclose(shown_seconds(recording.frames), nearest, atol=0.02)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("sample_rate", [8_000, 22_050, 44_100, 48_000])
def test_a_click_is_heard_at_its_time_at_any_sample_rate(write_media, sample_rate, channels):
    times = np.arange(60) / 25
    sound = np.repeat(click(2.4, sample_rate), channels, axis=0)
    recording = decode(
        write_media(frames=clock(times), times=times, sound=[(0, sound)], sample_rate=sample_rate)
    )
    assert recording.waveform.shape == (60 * SAMPLES_PER_FRAME,)
    assert heard_seconds(recording.waveform) == pytest.approx(CLICK_SECONDS, abs=1e-3)
    assert recording.facts["sample_rate_hertz"] == sample_rate


@pytest.mark.parametrize("codec", ["pcm_u8", "pcm_s16le", "pcm_s32le", "pcm_f32le", "flac"])
def test_loudness_does_not_depend_on_the_sample_format(write_media, codec):
    times = np.arange(50) / 25
    sound = np.full((1, 32_000), 0.25)
    path = write_media(frames=clock(times), times=times, sound=[(0, sound)], audio_codec=codec)
    middle = decode(path).waveform[8_000:24_000]
    np.testing.assert_allclose(middle, 0.25 * 32_768, atol=32_768 / 128)


def test_channels_are_averaged(write_media):
    times = np.arange(50) / 25
    sound = np.stack([np.full(32_000, 0.5), np.full(32_000, 0.25)])
    waveform = decode(write_media(frames=clock(times), times=times, sound=[(0, sound)])).waveform
    np.testing.assert_allclose(waveform[8_000:24_000], 0.375 * 32_768, atol=2)


def test_audio_that_starts_after_the_video_stays_in_sync(write_media):
    times = np.arange(60) / 25
    sound = [(0.2, click(2.2, 16_000, at=CLICK_SECONDS - 0.2))]
    recording = decode(write_media(frames=clock(times), times=times, sound=sound))
    assert recording.num_leading_frames_cut == 5
    assert recording.facts["start_difference_seconds"] == pytest.approx(0.2, abs=1e-3)
    assert shown_seconds(recording.frames)[0] == pytest.approx(0.2, abs=0.01)
    assert heard_seconds(recording.waveform) == pytest.approx(CLICK_SECONDS - 0.2, abs=1e-3)


def test_no_silence_is_added_where_the_audio_starts_within_a_frame(write_media):
    times = np.arange(60) / 25
    sound = [(0.05, click(2.35, 16_000, at=CLICK_SECONDS - 0.05))]
    recording = decode(write_media(frames=clock(times), times=times, sound=sound))
    assert recording.num_leading_frames_cut == 2
    assert np.any(recording.waveform[:16] != 0)
    assert heard_seconds(recording.waveform) == pytest.approx(CLICK_SECONDS - 0.08, abs=1e-3)


def test_audio_that_starts_before_the_video_stays_in_sync(write_media):
    times = 0.12 + np.arange(57) / 25
    recording = decode(
        write_media(frames=clock(times), times=times, sound=[(0, click(2.4, 16_000))])
    )
    assert recording.num_leading_frames_cut == 0
    assert heard_seconds(recording.waveform) == pytest.approx(CLICK_SECONDS - 0.12, abs=1e-3)


def test_a_gap_in_the_audio_is_filled_with_silence(write_media):
    times = np.arange(60) / 25
    whole = click(2.4, 16_000)
    sound = [(0, whole[:, :8_000]), (0.8, whole[:, 12_800:])]
    recording = decode(write_media(frames=clock(times), times=times, sound=sound))
    assert recording.facts["filled_gap_seconds"] == pytest.approx(0.3, abs=2e-3)
    assert np.all(recording.waveform[8_200:12_600] == 0)
    assert heard_seconds(recording.waveform) == pytest.approx(CLICK_SECONDS, abs=2e-3)


@pytest.mark.parametrize(("missing_samples", "num_frames"), [(300, 60), (352, 59)])
def test_the_last_frame_is_kept_if_half_of_its_sound_is_there(
    write_media, missing_samples, num_frames
):
    times = np.arange(60) / 25
    sound = click(2.4, 16_000)[:, :-missing_samples]
    recording = decode(write_media(frames=clock(times), times=times, sound=[(0, sound)]))
    assert len(recording.frames) == num_frames
    assert recording.facts["length_difference_seconds"] == pytest.approx(-missing_samples / 16_000)


@pytest.mark.parametrize(("rotation", "corner"), [(90, (0, 0)), (180, (-1, 0)), (-90, (-1, -1))])
def test_frames_are_rotated_by_the_display_matrix(write_media, rotation, corner):
    times = np.arange(50) / 25
    frames = np.zeros((50, 48, 64), np.uint8)
    frames[:, :8, -8:] = 200  # the top right corner
    path = write_media(
        frames=frames,
        times=times,
        sound=[(0, click(2, 16_000))],
        rotation=rotation,
        name="clip.mov",
    )
    turned = decode(path).frames[0]
    assert turned.shape == ((48, 64) if rotation == 180 else (64, 48))
    assert turned[corner] == 200
    assert turned.flags.c_contiguous


def test_a_missing_file_is_rejected(tmp_path):
    assert reject_of(tmp_path / "none.mp4").reason == "missing_file"


def test_video_without_audio_is_rejected(write_media):
    times = np.arange(50) / 25
    assert reject_of(write_media(frames=clock(times), times=times)).reason == "no_audio"


def test_audio_without_video_is_rejected(write_media):
    assert reject_of(write_media(sound=[(0, click(2, 16_000))])).reason == "no_video"


def test_less_than_a_second_is_too_short(write_media):
    times = np.arange(24) / 25
    reject = reject_of(
        write_media(frames=clock(times), times=times, sound=[(0, click(0.96, 16_000, at=0.5))])
    )
    assert reject.reason == "too_short"
    assert "24 frames" in reject.detail


@pytest.mark.parametrize("name", ["clip.mkv", "clip.avi"])
def test_only_the_common_part_is_used_where_the_times_of_the_frames_are_known(write_media, name):
    times = np.arange(50) / 25
    path = write_media(
        frames=clock(times), times=times, sound=[(0, click(2.25, 16_000))], name=name
    )
    if name == "clip.avi":  # it states the order of the frames, not when they are shown
        reject = reject_of(path)
        assert reject.reason == "length_mismatch"
        assert reject.detail == (
            "2.25 s of audio for 2.00 s of video; a difference of at most 0.2 s is allowed"
        )
    else:
        whole = decode(path)
        assert len(whole.frames) == 50
        assert whole.facts["length_difference_seconds"] == pytest.approx(0.25)


def test_the_picture_stands_in_a_gap_and_its_sound_stays_in_sync(write_media):
    times = np.concatenate([np.arange(25), 325 + np.arange(25)]) / 25
    sound = [(0.0, click(1, 16_000, at=0.5)), (13.0, click(1, 16_000, at=0.5))]
    recording = decode(write_media(frames=clock(times % 12), times=times, sound=sound))
    assert len(recording.frames) == 350
    np.testing.assert_allclose(
        shown_seconds(recording.frames)[[24, 25, 174, 176]], [0.96] * 3 + [1], atol=0.02
    )
    assert np.abs(recording.waveform[16_500 : 12 * 16_000]).max() <= 1
    assert heard_seconds(recording.waveform[12 * 16_000 :]) == pytest.approx(1.5, abs=1e-3)
    assert recording.facts["held_gap_seconds"] == pytest.approx(12.04, abs=0.01)
    assert recording.facts["filled_gap_seconds"] == pytest.approx(12, abs=0.01)


def test_a_long_file_that_is_mostly_gaps_is_rejected(write_media):
    times = np.concatenate([np.arange(40) / 25, 700 + np.arange(10) / 25])
    frames = np.zeros((50, 48, 64), np.uint8)
    reject = reject_of(write_media(frames=frames, times=times, sound=[(0, click(2, 16_000))]))
    assert reject.reason == "too_long"
    assert reject.detail.startswith("698 of 700 s have no picture")


def test_a_long_video_is_read_only_as_far_as_its_sound_goes(write_media):
    times = np.arange(250) / 25
    frames = np.zeros((250, 48, 64), np.uint8)
    path = write_media(frames=frames, times=times, sound=[(0, click(2, 16_000))])
    whole = decode(path, ReadOptions())
    assert len(whole.frames) == 50
    assert whole.facts["video_seconds"] == pytest.approx(10)
