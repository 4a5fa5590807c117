"""Frame numbers and timecodes of files, at their own rate."""

import numpy as np
import pytest

from avsync.media.file_clock import FileClock, read_clock, with_timecode
from tests.media.conftest import WriteMedia, write_media

__all__ = ["write_media"]

NTSC = 30000 / 1001


def media(write_media: WriteMedia, times: np.ndarray, name: str = "clip.mkv"):
    frames = np.random.default_rng(0).integers(0, 256, (len(times), 16, 16), np.uint8)
    sound = np.random.default_rng(1).uniform(-0.5, 0.5, (1, 32_000))
    return write_media(frames=frames, times=times, sound=[(0.0, sound)], name=name)


@pytest.mark.parametrize("rate", [25.0, NTSC, 60.0])
def test_frames_are_counted_at_the_rate_of_the_file(write_media, rate):
    clock = read_clock(media(write_media, np.arange(61) / rate))
    assert clock.num_frames == 61
    assert clock.rate == pytest.approx(rate, rel=1e-3)
    assert clock.nearest(1.0) == round(rate)
    assert (
        clock.timecode(60) == {25.0: "00:00:02:10", NTSC: "00:00:02:00", 60.0: "00:00:01:00"}[rate]
    )
    assert (clock.nearest(-1.0), clock.nearest(99.0)) == (0, 60)


def test_frames_are_counted_from_the_first_one_wherever_it_lies(write_media):
    assert read_clock(media(write_media, 0.5 + np.arange(20) / 25)).nearest(0.08) == 2


def test_a_file_of_varying_rate_has_times_instead_of_frames(write_media):
    times = np.array([0, 0.04, 0.08, 0.28, 0.32, 1.5])
    clock = read_clock(media(write_media, times))
    assert clock.rate is None
    assert clock.times == pytest.approx(times.tolist(), abs=1e-3)
    assert [clock.nearest(t) for t in (0.0, 0.05, 0.27, 0.7, 9.0)] == [0, 1, 3, 4, 5]
    assert clock.timecode(5) == "00:00:01.500"


@pytest.mark.parametrize(
    ("rate", "tag", "frame", "timecode"),
    [
        (25.0, "10:00:00:00", 0, "10:00:00:00"),
        (25.0, "10:00:00:00", 30, "10:00:01:05"),
        (24000 / 1001, "00:59:59:23", 1, "01:00:00:00"),
        (25.0, "23:59:59:24", 1, "00:00:00:00"),
        # SMPTE ST 12-1: numbers 0 and 1 of each minute are dropped, but not of every tenth.
        (NTSC, "00:00:59;29", 1, "00:01:00;02"),
        (NTSC, "00:09:59;29", 1, "00:10:00;00"),
        (NTSC, "00:00:00;00", 17_982, "00:10:00;00"),
        (NTSC, "01:00:00;00", 0, "01:00:00;00"),
        (60000 / 1001, "00:00:59;59", 1, "00:01:00;04"),
    ],
)
def test_timecodes_go_on_from_that_of_the_file(rate, tag, frame, timecode):
    clock = with_timecode(FileClock(10, rate), ["", "no timecode", tag])
    assert clock.has_timecode
    assert clock.timecode(frame) == timecode


def test_without_a_tag_timecodes_begin_at_zero():
    clock = with_timecode(FileClock(10, 25.0), ["", "12:00"])
    assert not clock.has_timecode
    assert clock.timecode(0) == "00:00:00:00"
