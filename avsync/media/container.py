"""An open media file: its video and audio streams, and its complete audio."""

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition
from av.video.stream import VideoStream
from jaxtyping import Int16

from avsync.media.mono_audio import MonoAudio, require_length
from avsync.media.rejects import Reject
from avsync.units import INT16_SCALE, SAMPLE_RATE, SILENCE_AMPLITUDE


class OpenFile(NamedTuple):
    """A file with a video and an audio stream, open for reading."""

    container: InputContainer
    video: VideoStream
    audio: AudioStream

    @property
    def video_tick_seconds(self) -> float:
        """The unit of the timestamps of the video packets."""
        return float(self.video.time_base or 0)


class Audio(NamedTuple):
    """The whole audio stream of a file, mono at 16 kHz.

    `num_bytes` is its coded size; `stated_video_seconds` is the length of the video beside it by
    the timestamps of its packets, 0 if they have none.
    """

    samples: Int16[np.ndarray, " s"]
    start_seconds: float
    sample_rate: int
    filled_gap_seconds: float
    num_bytes: int
    stated_video_seconds: float

    @property
    def seconds(self) -> float:
        """The length of the audio."""
        return len(self.samples) / SAMPLE_RATE


@contextlib.contextmanager
def open_file(path: Path, *, max_pixels: int | None = None) -> Iterator[OpenFile]:
    """Opens the first video and the first audio stream of a file.

    Frames of more than `max_pixels` are refused before they are decoded. Raises `Reject` if the
    file or a stream is missing, and for any FFmpeg error until it is closed.
    """
    if not path.is_file():
        raise Reject("missing_file", f"no file at {path}")
    try:
        # Tags may be in any encoding and are not used.
        with av.open(str(path), metadata_errors="ignore") as container:
            cover = Disposition.attached_pic  # album art is a still, not a video
            video = [s for s in container.streams.video if not s.disposition & cover]
            audio = container.streams.audio
            if not video:
                raise Reject("no_video", "the file has no video stream")
            if not audio:
                raise Reject("no_audio", "the file has no audio stream")
            if max_pixels is not None:
                _limit_size(video[0], max_pixels)
            yield OpenFile(container, video[0], audio[0])
    except FFmpegError as error:
        raise Reject("undecodable", f"FFmpeg: {error}") from error


def _limit_size(video: VideoStream, max_pixels: int) -> None:
    """Raises `Reject` if the header states larger frames; the decoder refuses any that follow."""
    width, height = video.codec_context.width, video.codec_context.height
    if width * height > max_pixels:
        raise Reject(
            "too_large",
            f"frames of {width} x {height} pixels; the limit is {max_pixels / 1e6:g} million",
        )
    video.codec_context.options = {**video.codec_context.options, "max_pixels": str(max_pixels)}


def read_audio(file: OpenFile, *, max_seconds: float = math.inf) -> Audio:
    """Decodes the audio; raises `Reject` if it has no samples or a stream is too long."""
    audio, num_bytes = MonoAudio(max_seconds=max_seconds), 0
    video_start, video_end = math.inf, -math.inf  # in ticks: fractions cost 1 ms per clip
    for packet in file.container.demux(file.video, file.audio):
        if packet.stream.type == "video":
            if packet.pts is not None:
                video_start = min(video_start, packet.pts)
                video_end = max(video_end, packet.pts + (packet.duration or 0))
                require_length((video_end - video_start) * file.video_tick_seconds, max_seconds)
            continue
        num_bytes += packet.size
        for frame in packet.decode():
            if isinstance(frame, av.AudioFrame):
                audio.add(frame)
    samples = audio.finish()
    if not len(samples):
        raise Reject("no_audio", "no sample of the audio stream could be decoded")
    return Audio(
        samples,
        start_seconds=audio.start_seconds,
        sample_rate=audio.sample_rate,
        filled_gap_seconds=audio.filled_gap_seconds,
        num_bytes=num_bytes,
        stated_video_seconds=max(0.0, (video_end - video_start) * file.video_tick_seconds),
    )


def require_sound(waveform: Int16[np.ndarray, " s"]) -> None:
    """Raises `Reject` if no sample is louder than the silence threshold."""
    # Not |x|: -32768 has no int16 absolute value, and a wider copy of an hour takes 0.5 GB.
    loudest = max(int(waveform.max()), -int(waveform.min())) / INT16_SCALE
    if loudest <= SILENCE_AMPLITUDE:
        raise Reject(
            "all_silent",
            f"the loudest sample is {loudest:.1e}; up to {SILENCE_AMPLITUDE} counts as silence",
        )
