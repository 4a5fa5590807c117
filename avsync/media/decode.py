"""A media file to grey frames at 25 fps and mono sound at 16 kHz, on one common time axis.

Where a frame or a sample belongs is decided by its timestamp alone: start offsets of the streams,
variable frame rates and gaps in the sound are honoured, and nothing is relabelled.
"""

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition
from av.video.stream import VideoStream
from jaxtyping import Int16, UInt8

from avsync.media.probe import describe_formats, describe_sizes
from avsync.media.rejects import Reject
from avsync.media.streams import Picture, Sound
from avsync.units import FRAMES_PER_SECOND, MIN_FRAMES, SAMPLE_RATE, SAMPLES_PER_FRAME

# Codec framing makes honest streams unequal: 1152 samples of mp2 at 16 kHz are 0.07 s, two priming
# blocks of AAC 0.13 s, a frame or two of picture 0.08 s. What differs by more has lost a part, and
# where it was lost (so which half is out of sync) cannot be known.
MAX_LENGTH_DIFFERENCE_SECONDS = 0.2


class Recording(NamedTuple):
    """What a file shows and sounds, in sync: frame i sounds in samples [640 i, 640 (i + 1)).

    `num_leading_frames_cut` grid frames were dropped because the sound starts after the picture;
    times given for the file are late by so many frames. `media` is what the file was like, by the
    names of `avsync.media.probe.KEYS`; lengths are those before both streams were cut to their
    common span.
    """

    frames: UInt8[np.ndarray, "t h w"]
    waveform: Int16[np.ndarray, " s"]
    num_leading_frames_cut: int
    media: dict[str, Any]


class OpenFile(NamedTuple):
    """A file that has both a picture and sound, open for reading."""

    container: InputContainer
    video: VideoStream
    audio: AudioStream


class Span(NamedTuple):
    """Frames [first, end) of the picture have their sound: sample s is heard in frame
    (s + delay_samples) / 640."""

    first: int
    end: int
    delay_samples: int

    def waveform(self, samples: Int16[np.ndarray, " s"]) -> Int16[np.ndarray, " n"]:
        """The sound of these frames, 640 samples for each; what the last one lacks is silence."""
        start, end = (i * SAMPLES_PER_FRAME - self.delay_samples for i in (self.first, self.end))
        return np.pad(samples[start:end], (0, max(0, end - len(samples))))


class _Contents(NamedTuple):
    """Both streams of a file, read to their end."""

    picture: Picture
    sound: Sound
    video_bytes: int
    audio_bytes: int
    formats: dict[str, Any]


def decode(path: Path) -> Recording:
    """The common span of picture and sound of the file, in whole frames; raises `Reject`."""
    with open_file(path) as file:
        contents = _read(file)
    return _synchronise(contents, path)


@contextlib.contextmanager
def open_file(path: Path) -> Iterator[OpenFile]:
    """The file, its first moving picture and its first sound.

    Raises `Reject` if there is no such file or stream, and for whatever FFmpeg refuses meanwhile.
    """
    if not path.is_file():
        raise Reject("missing_file", f"no file at {path}")
    try:
        # Tags may be in any encoding; they are of no interest.
        with av.open(str(path), metadata_errors="ignore") as container:
            cover = Disposition.attached_pic  # of an album: a picture, but none that moves
            video = [s for s in container.streams.video if not s.disposition & cover]
            audio = container.streams.audio
            if not video:
                raise Reject("no_video", "the file has no video stream")
            if not audio:
                raise Reject("no_audio", "the file has no audio stream")
            # One core a worker: the job is parallel over clips.
            video[0].codec_context.thread_count = 1
            yield OpenFile(container, video[0], audio[0])
    except FFmpegError as error:
        raise Reject("undecodable", f"FFmpeg: {error}") from error


def common_span(*, delay_seconds: float, num_samples: int, num_frames: int | None) -> Span:
    """The frames that have sound, if that starts `delay_seconds` after the picture.

    At the start a frame without all of its sound goes: padding it would plant the leading silence
    that fakes are known by. At the end it stays if half of its sound is there. Raises `Reject` if
    less than `MIN_FRAMES` are left. `num_frames` is None while it is not yet known.
    """
    delay = round(delay_seconds * SAMPLE_RATE)
    first = max(0, math.ceil(delay / SAMPLES_PER_FRAME))
    end = (delay + num_samples + SAMPLES_PER_FRAME // 2) // SAMPLES_PER_FRAME
    end = end if num_frames is None else min(num_frames, end)
    if end - first < MIN_FRAMES:
        raise Reject(
            "too_short",
            f"picture and sound share {max(0, end - first)} frames at {FRAMES_PER_SECOND} fps; "
            f"at least {MIN_FRAMES} are needed",
        )
    return Span(first, end, delay)


def _read(file: OpenFile) -> _Contents:
    formats = describe_formats(file.container, video=file.video, audio=file.audio)
    picture, sound = Picture(), Sound()
    num_bytes = {"video": 0, "audio": 0}
    for packet in file.container.demux(file.video, file.audio):
        num_bytes[packet.stream.type] += packet.size
        for frame in packet.decode():
            if isinstance(frame, av.VideoFrame):
                picture.add(frame)
            elif isinstance(frame, av.AudioFrame):
                sound.add(frame)
    picture.finish()
    return _Contents(picture, sound, num_bytes["video"], num_bytes["audio"], formats)


def _synchronise(contents: _Contents, path: Path) -> Recording:
    picture, sound = contents.picture, contents.sound
    if not picture.num_frames:
        raise Reject("no_video", "not one frame of the video stream could be decoded")
    if sound.num_samples == 0:
        raise Reject("no_audio", "not one sample of the audio stream could be decoded")
    samples = sound.finish()
    audio_seconds = len(samples) / SAMPLE_RATE
    video_seconds = picture.num_frames / FRAMES_PER_SECOND
    if abs(audio_seconds - video_seconds) > MAX_LENGTH_DIFFERENCE_SECONDS:
        raise Reject(
            "length_mismatch",
            f"{audio_seconds:.2f} s of sound for {video_seconds:.2f} s of picture; at most "
            f"{MAX_LENGTH_DIFFERENCE_SECONDS} s apart is allowed",
        )
    start_difference = sound.start_seconds - picture.start_seconds
    span = common_span(
        delay_seconds=start_difference, num_samples=len(samples), num_frames=picture.num_frames
    )
    frames = np.stack(picture.frames[span.first : span.end])
    media = contents.formats | describe_sizes(
        path,
        video_bytes=contents.video_bytes,
        audio_bytes=contents.audio_bytes,
        video_seconds=video_seconds,
        audio_seconds=audio_seconds,
    )
    media |= {
        "width_pixels": frames.shape[2],
        "height_pixels": frames.shape[1],
        "video_frames_per_second": round(picture.frames_per_second, 6),
        "sample_rate_hertz": sound.sample_rate,
        "start_difference_seconds": round(start_difference, 6),
        "filled_gap_seconds": round(sound.filled_gap_seconds, 6),
        "num_leading_frames_cut": span.first,
    }
    return Recording(frames, span.waveform(samples), span.first, media)
