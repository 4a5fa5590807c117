"""The frame numbers and timecodes of a file, at its own frame rate and from its own start.

Scores lie on a grid of 25 frames per second. Editors, players and other people count the frames of
the file.
"""

import re
from bisect import bisect
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from avsync.media.container import OpenFile, open_file
from avsync.media.decoding import VideoDecoder, has_presentation_times
from avsync.media.rejects import Reject

# A rate is constant if no frame is further from its place, in frames: containers round times to
# milliseconds, 0.06 of a frame at 60 frames per second.
MAX_JITTER_FRAMES = 0.25

# SMPTE ST 12-1: a semicolon before the frames says that numbers are dropped.
TIMECODE = re.compile(r"(\d\d):(\d\d):(\d\d)([:;.,])(\d\d)")

HOURS_OF_TIMECODE = 24


class FileClock(NamedTuple):
    """Counts the frames of a file; times are in seconds after its first frame.

    num_frames: of the file.
    rate: frames per second, None if it varies.
    times: of each frame if the rate varies, else empty.
    start_frame: the frame number that the timecode of the first frame stands for; 0 without one.
    is_drop: True for timecodes that drop two numbers a minute, to keep up with the clock.
    has_timecode: True if the file states one.
    """

    num_frames: int
    rate: float | None
    times: tuple[float, ...] = ()
    start_frame: int = 0
    is_drop: bool = False
    has_timecode: bool = False

    def nearest(self, seconds: float) -> int:
        """The frame nearest in time, from 0: the one that is scored at this time."""
        if self.rate is not None:
            frame = round(seconds * self.rate)
        else:
            after = bisect(self.times, seconds)
            frames = range(max(0, after - 1), min(len(self.times), after + 1))
            frame = min(frames, key=lambda index: abs(self.times[index] - seconds))
        return min(max(frame, 0), self.num_frames - 1)

    def timecode(self, frame: int) -> str:
        """The timecode of a frame: "00:00:03:05"; "00:00:03.200" where the rate varies."""
        if self.rate is None:
            milliseconds = round(1000 * self.times[frame])
            seconds, rest = divmod(milliseconds, 1000)
            return f"{_clock(seconds)}.{rest:03}"
        nominal = round(self.rate)
        number = self.start_frame + frame
        if self.is_drop:
            number += _num_dropped(number, nominal)
        seconds, rest = divmod(number, nominal)
        seconds %= HOURS_OF_TIMECODE * 3600
        return f"{_clock(seconds)}{';' if self.is_drop else ':'}{rest:02}"


def read_clock(path: Path) -> FileClock:
    """The clock of a file's video, from the times of its packets; raises `Reject`."""
    with open_file(path) as file:
        first = next(VideoDecoder(file.container, file.video).frames(), None)
        if first is None:
            raise Reject("no_video", "no frame of the video stream could be decoded")
    with open_file(path) as file:
        times = _times(file, first.seconds)
        rate = _constant_rate(times, (file.video.average_rate, file.video.guessed_rate))
        if rate is None:
            return FileClock(len(times), None, tuple(times.tolist()))
        streams = [file.video, *file.container.streams]
        tags = [source.metadata.get("timecode", "") for source in (*streams, file.container)]
        return with_timecode(FileClock(len(times), rate), tags)


def with_timecode(clock: FileClock, tags: Iterable[str]) -> FileClock:
    """The clock of constant rate that starts at the first of `tags` that is a timecode."""
    assert clock.rate is not None
    nominal = round(clock.rate)
    for tag in tags:
        if match := TIMECODE.fullmatch(tag.strip()):
            hours, minutes, seconds, frames = (int(match[group]) for group in (1, 2, 3, 5))
            is_drop = match[4] != ":" and nominal % 30 == 0
            minutes += 60 * hours
            start = (60 * minutes + seconds) * nominal + frames
            if is_drop:
                start -= nominal // 15 * (minutes - minutes // 10)
            return clock._replace(start_frame=start, is_drop=is_drop, has_timecode=True)
    return clock


def _num_dropped(number: int, nominal: int) -> int:
    """The frame numbers dropped before the frame `number`: two a minute at 30, not every tenth."""
    each = nominal // 15
    per_minute = 60 * nominal - each
    per_ten_minutes = 10 * per_minute + each
    tens, rest = divmod(number, per_ten_minutes)
    return each * (9 * tens + max(0, (rest - each) // per_minute))


def _times(file: OpenFile, first_seconds: float) -> Float[np.ndarray, " n"]:
    """The times of the frames in order, after the first one shown at `first_seconds`."""
    shown = [packet for packet in _packets(file) if not packet.is_discard]
    ticks = [packet.pts for packet in shown if packet.pts is not None]
    if has_presentation_times(file.container) and len(ticks) == len(shown):
        times = np.sort(ticks) * file.video_tick_seconds - first_seconds
        times = times[times > -1e-6]  # what precedes the first key frame is not shown
    else:  # the times of decoding have the same steps
        ticks = [packet.dts for packet in shown if packet.dts is not None]
        times = (np.sort(ticks) - min(ticks, default=0)) * file.video_tick_seconds
    return times if len(times) else np.zeros(1)


class _Stamp(NamedTuple):
    """What is kept of a packet: its data would be the whole file."""

    pts: int | None
    dts: int | None
    is_discard: bool


def _packets(file: OpenFile) -> list[_Stamp]:
    found = []
    for packet in file.packets():
        if packet.stream.type == "video" and packet.size:
            found.append(_Stamp(packet.pts, packet.dts, packet.is_discard))
    return found


def _constant_rate(times: Float[np.ndarray, " n"], stated: Iterable[Any]) -> float | None:
    """The rate of these frames, as the file states it if it is that; None if it varies."""
    steps = len(times) - 1
    measured = [steps / float(times[-1])] if steps and times[-1] > 0 else []
    for rate in [*[float(each) for each in stated if each], *measured]:
        places = times * rate
        if rate >= 1 and np.abs(places - np.arange(len(times))).max() < MAX_JITTER_FRAMES:
            return rate
    return None


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
