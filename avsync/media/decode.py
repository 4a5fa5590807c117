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

import numpy as np
from jaxtyping import Int16, UInt8

from avsync.media.container import (
    Audio,
    OpenFile,
    read_audio,
    require_sound,
)
from avsync.media.decoding import VideoDecoder, has_presentation_times
from avsync.media.frame_grid import FrameGrid
from avsync.media.images import GreyImages
from avsync.media.probe import Facts, describe_formats, describe_sizes
from avsync.media.read_options import ANY_FILE, ReadOptions
from avsync.media.rejects import Reject
from avsync.media.remarks import MAX_LENGTH_DIFFERENCE_SECONDS, losses
from avsync.units import (
    FRAMES_PER_SECOND,
    MIN_FRAMES,
    SAMPLE_RATE,
    SAMPLES_PER_FRAME,
)

# Headers and streams differ by the frames and the priming of codecs; less than this is no cut.
MIN_MISSING_SECONDS = 0.5


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
    audio = _read_audio(path, options)
    require_sound(audio.samples)
    difference_seconds = audio.seconds - audio.stated_video_seconds
    with options.open(path) as file:
        video = SyncedVideo(file, audio, path=path, options=options)
        if abs(difference_seconds) <= video.max_length_difference_seconds:
            yield video
            return
        # Most likely a reject. Decoding alone confirms it without the cost of a face search.
        collections.deque(video.frames(), maxlen=0)
        video.recording()
    with options.open(path) as file:
        yield SyncedVideo(file, audio, path=path, options=options)


def _read_audio(path: Path, options: ReadOptions) -> Audio:
    with options.open(path) as file:
        audio = read_audio(file, max_seconds=options.max_seconds)
    if not audio.better_channel:
        return audio
    with options.open(path) as file:
        return read_audio(file, max_seconds=options.max_seconds, channel=audio.better_channel)


class SyncedVideo:
    """The frames of an open file that have sound, and what is known after the last of them."""

    def __init__(self, file: OpenFile, audio: Audio, *, path: Path, options: ReadOptions):
        file.video.codec_context.thread_count = options.num_threads
        self._file, self._audio, self._path, self._options = file, audio, path, options
        self._grid = FrameGrid(
            GreyImages(), pixel_aspect=file.pixel_aspect, max_bytes=options.max_bytes
        )
        self._formats = describe_formats(file.container, video=file.video, audio=file.audio)
        self._decoder = VideoDecoder(file.container, file.video)
        self._is_complete = False

    @property
    def max_length_difference_seconds(self) -> float:
        """The largest difference in length of video and audio that is not rejected."""
        if has_presentation_times(self._file.container):
            return math.inf
        return self._options.max_length_difference_seconds

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
        self._decoder.read_rest()

    def recording(self) -> Recording:
        """The sound of the frames and the facts of the file, after `frames` is exhausted.

        Raises `Reject` if the streams differ in length by more than the maximum, share fewer than
        `MIN_FRAMES` frames, or have lost more than the maximum share.
        """
        self._require_whole()
        audio_seconds, video_seconds = self._audio.seconds, self._video_seconds()
        span = self._span(num_frames=self._grid.num_frames)
        facts = self._facts(span, video_seconds=video_seconds, audio_seconds=audio_seconds)
        max_difference_seconds = self.max_length_difference_seconds
        if abs(audio_seconds - video_seconds) > max_difference_seconds:
            detail = (
                f"{audio_seconds:.2f} s of audio for {video_seconds:.2f} s of video; a difference "
                f"of at most {max_difference_seconds} s is allowed"
            )
            raise Reject("length_mismatch", "; ".join([detail, *losses(facts)]))
        if (num_shared := span.end - span.first) < MIN_FRAMES:
            detail = (
                f"video and audio share {max(0, num_shared)} frames at {FRAMES_PER_SECOND} fps; "
                f"at least {MIN_FRAMES} are needed"
            )
            raise Reject("too_short", "; ".join([detail, *losses(facts)]))
        return Recording(
            waveform=span.waveform(self._audio.samples),
            num_leading_frames_cut=span.first,
            video_seconds=video_seconds,
            audio_seconds=audio_seconds,
            facts=facts,
        )

    def _grid_frames(self) -> Iterator[UInt8[np.ndarray, "h w"]]:
        for seconds, frame in self._decoder.frames():
            yield from self._grid.add(frame, seconds)
        yield from self._grid.finish()

    def _require_whole(self) -> None:
        """Raises `Reject` if more than the maximum share of the file is lost."""
        most, decoder = self._options.max_lost_share, self._decoder
        num_frames = self._grid.num_decoded + decoder.num_lost
        if decoder.num_lost > most * num_frames:
            raise Reject(
                "damaged",
                f"{decoder.num_lost:,} of {num_frames:,} frames cannot be decoded; at most "
                f"{most:.0%} may be lost",
            )
        stated, invalid = self._file.stated_seconds, self._audio.num_invalid_samples
        if self._seconds_missing > most * stated:
            raise Reject(
                "incomplete",
                f"the file ends at {stated - self._seconds_missing:.2f} of {stated:.2f} s; at most "
                f"{most:.0%} may be missing",
            )
        if invalid > most * self._audio.seconds * self._audio.sample_rate:
            raise Reject("damaged", f"{invalid:,} audio samples are no numbers, or far too large")

    @property
    def _seconds_missing(self) -> float:
        """The part of the stated length that is not there, after the end of both streams."""
        starts = (self._grid.start_seconds, self._audio.start_seconds)
        first = max(0.0, min(starts))  # a header states the end by some tools, the length by others
        ends = (
            self._grid.start_seconds + self._video_seconds(),
            self._audio.start_seconds + self._audio.seconds,
        )
        missing = self._file.stated_seconds - max(max(ends), max(ends) - first)
        return missing if missing > MIN_MISSING_SECONDS else 0.0

    @property
    def _delay_seconds(self) -> float:
        """The start of the audio after the start of the video."""
        return self._audio.start_seconds - self._grid.start_seconds

    def _video_seconds(self) -> float:
        decoded_seconds = self._grid.num_frames / FRAMES_PER_SECOND
        if self._is_complete:
            return decoded_seconds
        stated_end_seconds = self._decoder.end_ticks * self._file.video_tick_seconds
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
            video_bytes=self._decoder.num_bytes,
            audio_bytes=self._audio.num_bytes,
            video_seconds=video_seconds,
            audio_seconds=audio_seconds,
        )
        size = self._grid.size
        assert size is not None  # there are frames
        return {
            **self._formats,
            **sizes,
            "width_pixels": size.width,
            "height_pixels": size.height,
            "num_size_changes": self._grid.num_size_changes,
            "video_frames_per_second": round(self._grid.frames_per_second, 6),
            "sample_rate_hertz": self._audio.sample_rate,
            "start_difference_seconds": round(self._delay_seconds, 6),
            "filled_gap_seconds": round(self._audio.filled_gap_seconds, 6),
            "held_gap_seconds": round(self._audio.held_gap_seconds, 6),
            "seconds_missing": round(self._seconds_missing, 6),
            "num_timestamp_restarts": int(self._decoder.restarts or self._audio.restarts),
            "num_frames_lost": self._decoder.num_lost,
            "num_frames_damaged": self._decoder.num_damaged,
            "num_audio_packets_lost": self._audio.num_lost_packets,
            "num_invalid_samples": self._audio.num_invalid_samples,
            "audio_channel_used": self._audio.channel_used,
            "audio_track_used": self._file.audio_track,
            "num_audio_tracks": self._file.num_audio_tracks,
            "num_video_tracks": self._file.num_video_tracks,
            "num_leading_frames_cut": span.first,
        }
