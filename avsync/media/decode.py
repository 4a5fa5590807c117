"""A media file read in sync: grey frames at 25 fps and mono sound at 16 kHz on one time axis.

Timestamps alone decide where a frame or a sample belongs: start offsets of the streams, variable
frame rates and gaps in the audio are honoured, and nothing is relabelled. The file is read twice,
the audio first: it is small, a silent file is rejected at once, and no frame has to be kept until
its sound is known.
"""

import collections
import contextlib
import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from jaxtyping import Int16, UInt8

from avsync.media.container import (
    Audio,
    OpenFile,
    open_file,
    read_audio,
    require_sound,
)
from avsync.media.frame_grid import FrameGrid
from avsync.media.images import GreyImages
from avsync.media.probe import Facts, describe_formats, describe_sizes
from avsync.media.rejects import Reject
from avsync.media.remarks import MAX_LENGTH_DIFFERENCE_SECONDS
from avsync.units import (
    FRAMES_PER_SECOND,
    MIN_FRAMES,
    SAMPLE_RATE,
    SAMPLES_PER_FRAME,
)


class ReadOptions(NamedTuple):
    """Settings for reading a file, and limits beyond which it is rejected.

    num_threads: number of video decoding threads; 0 is one per core.
    max_bytes: largest total size of the grey frames; None for no limit.
    max_length_difference_seconds: largest difference in length of video and audio.
    max_seconds: length of the longest stream.
    max_pixels: size of the largest frame; None for no limit.
    """

    num_threads: int = 0
    max_bytes: int | None = None
    max_length_difference_seconds: float = math.inf
    max_seconds: float = math.inf
    max_pixels: int | None = None


# Files of any length; what only one of the streams covers is left out.
ANY_FILE = ReadOptions()


class Recording(NamedTuple):
    """The sound and the facts of a file whose frames were read.

    waveform: 640 samples for each frame; frame i sounds in samples [640 i, 640 (i + 1)).
    num_leading_frames_cut: grid frames dropped because the audio starts after the video; times
      relative to the start of the file are later by this many frames.
    video_seconds, audio_seconds: lengths before both streams were cut to their common span.
    facts: described in `avsync.media.probe.KEYS`.
    """

    waveform: Int16[np.ndarray, " s"]
    num_leading_frames_cut: int
    video_seconds: float
    audio_seconds: float
    facts: Facts


class Span(NamedTuple):
    """Frames [first, end) of the video have sound: sample s belongs to frame
    (s + delay_samples) / 640."""

    first: int
    end: int
    delay_samples: int

    def waveform(self, samples: Int16[np.ndarray, " s"]) -> Int16[np.ndarray, " n"]:
        """The sound of these frames, 640 samples for each; the last one is padded with silence."""
        start, end = (i * SAMPLES_PER_FRAME - self.delay_samples for i in (self.first, self.end))
        return np.pad(samples[start:end], (0, max(0, end - len(samples))))


@contextlib.contextmanager
def open_video(path: Path, options: ReadOptions = ANY_FILE) -> Iterator["SyncedVideo"]:
    """Reads the audio of a file, and opens its video.

    Raises `Reject` for a silent or unreadable file, also while frames are read.
    """
    with open_file(path, max_pixels=options.max_pixels) as file:
        audio = read_audio(file, max_seconds=options.max_seconds)
    require_sound(audio.samples)
    difference_seconds = audio.seconds - audio.stated_video_seconds
    if abs(difference_seconds) > options.max_length_difference_seconds:
        # Most likely a reject. Decoding alone confirms it without the cost of a face search.
        with open_file(path, max_pixels=options.max_pixels) as file:
            video = SyncedVideo(file, audio, path=path, options=options)
            collections.deque(video.frames(), maxlen=0)
            video.recording()
    with open_file(path, max_pixels=options.max_pixels) as file:
        yield SyncedVideo(file, audio, path=path, options=options)


class SyncedVideo:
    """The frames of an open file that have sound, and what is known after the last of them."""

    def __init__(self, file: OpenFile, audio: Audio, *, path: Path, options: ReadOptions):
        file.video.codec_context.thread_count = options.num_threads
        self._file, self._audio, self._path, self._options = file, audio, path, options
        self._grid = FrameGrid(GreyImages(), max_bytes=options.max_bytes)
        self._formats = describe_formats(file.container, video=file.video, audio=file.audio)
        self._num_bytes = 0
        self._stated_end_ticks = 0
        self._is_complete = False

    @property
    def num_frames_expected(self) -> int:
        """About as many frames as `frames` yields, by the length of the audio and timestamps."""
        audio, stated = self._audio, self._audio.stated_video_seconds
        return round(min(audio.seconds, stated or audio.seconds) * FRAMES_PER_SECOND)

    def frames(self) -> Iterator[UInt8[np.ndarray, "h w"]]:
        """Yields the frames that have sound, in order; raises `Reject` if no frame can be decoded.

        Decoding stops once the video is certain to be longer than the audio by more than
        `MAX_LENGTH_DIFFERENCE_SECONDS`; the remaining packets are read for their timestamps.
        """
        frames = self._grid_frames()
        first = next(frames, None)
        if first is None:
            raise Reject("no_video", "no frame of the video stream could be decoded")
        span = self._span(num_frames=None)  # the start of the video is known now
        max_seconds = self._audio.seconds + MAX_LENGTH_DIFFERENCE_SECONDS
        last_needed = max(span.end, math.ceil(max_seconds * FRAMES_PER_SECOND) + 1)
        for index, frame in enumerate(itertools.chain([first], frames)):
            if span.first <= index < span.end:
                yield frame
            if index >= last_needed:
                break
        else:
            self._is_complete = True
            return
        for packet in self._file.container.demux(self._file.video):
            self._count(packet)

    def recording(self) -> Recording:
        """The sound of the frames and the facts of the file, after `frames` is exhausted.

        Raises `Reject` if the streams differ in length by more than the maximum, or share fewer
        than `MIN_FRAMES` frames.
        """
        audio_seconds, video_seconds = self._audio.seconds, self._video_seconds()
        max_difference_seconds = self._options.max_length_difference_seconds
        if abs(audio_seconds - video_seconds) > max_difference_seconds:
            raise Reject(
                "length_mismatch",
                f"{audio_seconds:.2f} s of audio for {video_seconds:.2f} s of video; a difference "
                f"of at most {max_difference_seconds} s is allowed",
            )
        span = self._span(num_frames=self._grid.num_frames)
        if (num_shared := span.end - span.first) < MIN_FRAMES:
            raise Reject(
                "too_short",
                f"video and audio share {max(0, num_shared)} frames at {FRAMES_PER_SECOND} fps; "
                f"at least {MIN_FRAMES} are needed",
            )
        return Recording(
            waveform=span.waveform(self._audio.samples),
            num_leading_frames_cut=span.first,
            video_seconds=video_seconds,
            audio_seconds=audio_seconds,
            facts=self._facts(span, video_seconds=video_seconds, audio_seconds=audio_seconds),
        )

    def _grid_frames(self) -> Iterator[UInt8[np.ndarray, "h w"]]:
        for packet in self._file.container.demux(self._file.video):
            self._count(packet)
            for frame in packet.decode():
                yield from self._grid.add(frame)
        yield from self._grid.finish()

    def _count(self, packet: av.Packet) -> None:
        self._num_bytes += packet.size
        if packet.pts is not None:
            end_ticks = packet.pts + (packet.duration or 0)
            self._stated_end_ticks = max(self._stated_end_ticks, end_ticks)

    @property
    def _delay_seconds(self) -> float:
        """The start of the audio after the start of the video."""
        return self._audio.start_seconds - self._grid.start_seconds

    def _video_seconds(self) -> float:
        decoded_seconds = self._grid.num_frames / FRAMES_PER_SECOND
        if self._is_complete:
            return decoded_seconds
        stated_end_seconds = self._stated_end_ticks * self._file.video_tick_seconds
        return max(decoded_seconds, stated_end_seconds - self._grid.start_seconds)

    def _span(self, *, num_frames: int | None) -> Span:
        """The frames that have sound; `num_frames` is None while the video's length is unknown.

        At the start, a frame without all of its sound is dropped: padding it would plant the
        leading silence that gives fakes away. At the end, it stays if half of its sound is there.
        """
        delay = round(self._delay_seconds * SAMPLE_RATE)
        first = max(0, math.ceil(delay / SAMPLES_PER_FRAME))
        num_samples = len(self._audio.samples)
        end = (delay + num_samples + SAMPLES_PER_FRAME // 2) // SAMPLES_PER_FRAME
        return Span(first, end if num_frames is None else min(num_frames, end), delay)

    def _facts(self, span: Span, *, video_seconds: float, audio_seconds: float) -> Facts:
        sizes = describe_sizes(
            self._path,
            video_bytes=self._num_bytes,
            audio_bytes=self._audio.num_bytes,
            video_seconds=video_seconds,
            audio_seconds=audio_seconds,
        )
        return {
            **self._formats,
            **sizes,
            "width_pixels": self._grid.shape[1],
            "height_pixels": self._grid.shape[0],
            "video_frames_per_second": round(self._grid.frames_per_second, 6),
            "sample_rate_hertz": self._audio.sample_rate,
            "start_difference_seconds": round(self._delay_seconds, 6),
            "filled_gap_seconds": round(self._audio.filled_gap_seconds, 6),
            "num_leading_frames_cut": span.first,
        }
