"""Streams with broken timestamps or changing formats are repaired where safe, else rejected."""

from fractions import Fraction

import av
import numpy as np
import pytest
import soxr

from avsync.media import images
from avsync.media.frame_grid import FrameGrid
from avsync.media.images import GreyImages
from avsync.media.mono_audio import MonoAudio
from avsync.media.rejects import Reject


def video_frame(*, height: int = 32, grey: int = 0) -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(np.full((height, 48), grey, np.uint8), format="gray")


def sound_frame(seconds: float | None, samples: np.ndarray, *, rate: int = 16_000) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(
        samples[None].astype(np.float32), format="flt", layout="mono"
    )
    frame.sample_rate = rate
    if seconds is not None:
        frame.time_base, frame.pts = Fraction(1, 1000), round(seconds * 1000)
    return frame


def heard(*pieces: tuple[float | None, np.ndarray]) -> np.ndarray:
    sound = MonoAudio()
    for seconds, samples in pieces:
        sound.add(sound_frame(seconds, samples))
    return sound.finish() / 32_768


RAMP = np.arange(3200) / 3200  # 0.2 s


def test_jittering_timestamps_leave_no_gap_in_the_audio():
    pieces = zip([0.0, 0.053, 0.095, 0.161], np.split(RAMP, 4), strict=True)
    np.testing.assert_allclose(heard(*pieces), RAMP, atol=2e-5)


def test_audio_without_timestamps_follows_the_audio_before_it():
    np.testing.assert_allclose(heard((0.0, RAMP), (None, RAMP)), np.tile(RAMP, 2), atol=2e-5)


def test_overlapping_audio_is_not_repeated():
    overlapping = heard((0.0, RAMP[:1600]), (0.05, RAMP[800:]))
    np.testing.assert_allclose(overlapping, RAMP, atol=2e-5)


@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_audio_resampled_in_pieces_equals_audio_resampled_at_once(rate):
    # More than a second: pieces are resampled a second at a time.
    whole = np.random.default_rng(0).uniform(-0.5, 0.5, 3 * rate)
    sound = MonoAudio()
    for piece in np.array_split(whole, 43):
        sound.add(sound_frame(None, piece, rate=rate))
    expected = soxr.resample(whole.astype(np.float32), rate, 16_000, quality="HQ")
    np.testing.assert_array_equal(sound.finish(), np.round(expected * 32_768))
    assert sound.num_samples == 3 * rate


def test_a_sample_rate_that_changes_is_rejected():
    sound = MonoAudio()
    sound.add(sound_frame(0.0, RAMP))
    with pytest.raises(Reject, match="undecodable: the sample rate changes from 16000 to 8000"):
        sound.add(sound_frame(0.2, RAMP, rate=8_000))


def test_a_gap_of_a_minute_is_silent():
    sound = heard((0.0, RAMP), (60.0, RAMP))
    assert len(sound) == 60 * 16_000 + len(RAMP)
    assert np.abs(sound[len(RAMP) + 200 : 60 * 16_000 - 200]).max() == 0


def test_sound_that_begins_again_is_left_out():
    assert len(heard((5.0, RAMP), (5.2, RAMP), (0.0, RAMP))) == 2 * len(RAMP)


def stereo(left: np.ndarray, right: np.ndarray, *, channel: int | None = None) -> MonoAudio:
    sound = MonoAudio(channel=channel)
    samples = np.ascontiguousarray(np.stack([left, right]), np.float32)
    frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="stereo")
    frame.sample_rate = 16_000
    sound.add(frame)
    return sound


@pytest.mark.parametrize(
    ("gain", "channel"), [(1, 0), (0, 1), (-1, 1), (-0.6, 1), (-2, 2), (0.5, 0), (3, 0)]
)
def test_a_channel_is_used_alone_if_others_cancel_it_or_are_silent(gain, channel):
    voice = np.random.default_rng(0).normal(0, 0.1, 16_000)
    assert stereo(voice, gain * voice).better_channel == channel


def test_channels_that_differ_are_averaged():
    left, right = np.random.default_rng(0).normal(0, 0.1, (2, 16_000))
    assert stereo(left, right).better_channel == 0


def test_the_channel_asked_for_is_used():
    voice = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    sound = stereo(voice, -voice, channel=2).finish() / 32_768
    np.testing.assert_allclose(sound, -voice, atol=1e-3)


def test_samples_that_are_no_numbers_or_far_too_large_count_as_zero():
    samples = np.full(3200, 0.5)
    samples[1600:1610] = [np.nan, np.inf, -1e38, 1e38, 1e10] * 2
    sound = MonoAudio()
    sound.add(sound_frame(0.0, samples))
    assert sound.num_invalid_samples == 10
    np.testing.assert_allclose(sound.finish()[[800, 1605, 2400]] / 32_768, [0.5, 0, 0.5], atol=0.1)


def test_a_frame_is_repeated_until_the_next():
    grid = FrameGrid(GreyImages())
    frames = []
    for seconds, grey in ((1.0, 10), (1.04, 20), (1.16, 30)):
        frames += grid.add(video_frame(grey=grey), seconds)
    frames += grid.finish()
    # The grid begins with the first frame. The second is the nearest up to 1.10 s, and the last is
    # shown for 0.08 s, the mean time between frames.
    assert [int(frame[0, 0]) for frame in frames] == [10, 20, 20, 30, 30, 30]


@pytest.mark.parametrize("size", [(48, 32), (53, 31)])
@pytest.mark.parametrize("color_range", [0, 1, 2])  # unknown, 16 to 235, all
@pytest.mark.parametrize("format", ["yuv420p", "yuvj420p", "yuv422p", "yuv444p", "nv12"])
def test_grey_from_luma_equals_the_grey_of_ffmpeg(format, color_range, size):
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    frame = av.VideoFrame.from_ndarray(noise, format="rgb24").reformat(format=format)
    frame.color_range = color_range
    assert images.has_luma_plane(frame)
    grey = images.grey_from_luma(frame)
    np.testing.assert_array_equal(grey, frame.reformat(format="gray").to_ndarray())


@pytest.mark.parametrize("format", ["rgb24", "gbrp", "pal8", "yuyv422", "yuv420p10le"])
def test_formats_without_an_8_bit_luma_plane_are_left_to_ffmpeg(format):
    assert not images.has_luma_plane(av.VideoFrame(48, 32, format))


def test_a_frame_of_another_size_is_scaled_to_that_of_the_first():
    grid = FrameGrid(GreyImages())
    shown = [
        *grid.add(video_frame(grey=50), 0.0),
        *grid.add(video_frame(height=64, grey=200), 0.04),
    ]
    first, second = [*shown, *grid.finish()]
    assert first.shape == second.shape == (32, 48)
    assert grid.num_size_changes == 1
    # Half as large, it is 24 pixels wide, with as many black ones beside it.
    np.testing.assert_array_equal(second.max(axis=0), [0] * 12 + [200] * 24 + [0] * 12)


@pytest.mark.parametrize(("aspect", "size"), [(2.0, (96, 32)), (0.5, (48, 64)), (0.0, (48, 32))])
def test_pixels_are_shown_square(aspect, size):
    grid = FrameGrid(GreyImages(), pixel_aspect=aspect)
    grid.add(video_frame(grey=9), 0.0)
    (image,) = grid.finish()
    assert image.shape == size[::-1]
    assert (image == 9).all()
    assert grid.size == size


def test_a_video_larger_than_the_limit_is_rejected():
    grid = FrameGrid(GreyImages(), max_bytes=50 * 32 * 48)
    grid.add(video_frame(), 0.0)
    with pytest.raises(Reject, match="too_long: more than 2 s of 48 x 32 pixels"):
        grid.add(video_frame(), 5.0)
