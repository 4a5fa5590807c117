"""A media file to grey frames at 25 fps and mono sound at 16 kHz, on one common time axis.

Where a frame or a sample belongs is decided by its timestamp alone: start offsets of the streams,
variable frame rates and gaps in the sound are honoured, and nothing is relabelled.
"""

import math
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
import soxr
from av.error import FFmpegError
from av.stream import Disposition
from jaxtyping import Int16, UInt8

from avsync.prepare.media import describe_formats, describe_sizes
from avsync.prepare.rejects import Reject
from avsync.prepare.streams import Picture, Sound
from avsync.units import FRAMES_PER_SECOND, INT16_SCALE, SAMPLE_RATE, SAMPLES_PER_FRAME

# Codec framing makes honest streams unequal: 1152 samples of mp2 at 16 kHz are 0.07 s, two priming
# blocks of AAC 0.13 s, a frame or two of picture 0.08 s. What differs by more has lost a part, and
# where it was lost (so which half is out of sync) cannot be known.
MAX_LENGTH_DIFFERENCE_SECONDS = 0.2

# A second: with less, most of the 31 offsets of +-0.6 s cannot be told apart.
MIN_FRAMES = 25


class Recording(NamedTuple):
    """What a file shows and sounds, in sync: frame i sounds in samples [640 i, 640 (i + 1)).

    `num_leading_frames_cut` grid frames were dropped because the sound starts after the picture;
    times given for the file are late by so many frames. `media` is what the file was like, by the
    names of `avsync.prepare.media.KEYS`; lengths are those before both streams were cut to their
    common span.
    """

    frames: UInt8[np.ndarray, "t h w"]
    waveform: Int16[np.ndarray, " s"]
    num_leading_frames_cut: int
    media: dict[str, Any]


class _Contents(NamedTuple):
    """Both streams of a file, read to their end."""

    picture: Picture
    sound: Sound
    video_bytes: int
    audio_bytes: int
    formats: dict[str, Any]


def decode(path: Path) -> Recording:
    """The common span of picture and sound of the file, in whole frames; raises `Reject`."""
    if not path.is_file():
        raise Reject("missing_file", f"no file at {path}")
    try:
        contents = _read(path)
    except FFmpegError as error:
        raise Reject("undecodable", f"FFmpeg: {error}") from error
    return _synchronise(contents, path)


def _read(path: Path) -> _Contents:
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
        formats = describe_formats(container, video=video[0], audio=audio[0])
        picture, sound = Picture(), Sound()
        num_bytes = {"video": 0, "audio": 0}
        for packet in container.demux(video[0], audio[0]):
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
    if not picture.frames:
        raise Reject("no_video", "not one frame of the video stream could be decoded")
    if sound.num_samples == 0:
        raise Reject("no_audio", "not one sample of the audio stream could be decoded")
    samples = _to_16_khz(sound)
    num_frames = len(picture.frames)
    audio_seconds, video_seconds = len(samples) / SAMPLE_RATE, num_frames / FRAMES_PER_SECOND
    if abs(audio_seconds - video_seconds) > MAX_LENGTH_DIFFERENCE_SECONDS:
        raise Reject(
            "length_mismatch",
            f"{audio_seconds:.2f} s of sound for {video_seconds:.2f} s of picture; at most "
            f"{MAX_LENGTH_DIFFERENCE_SECONDS} s apart is allowed",
        )
    start_difference = sound.start_seconds - picture.start_seconds
    delay = round(start_difference * SAMPLE_RATE)
    # At the start a frame without all of its sound goes: padding it would plant the leading
    # silence that fakes are known by. At the end it stays, padded, if half of its sound is there.
    first = max(0, math.ceil(delay / SAMPLES_PER_FRAME))
    end = min(num_frames, (delay + len(samples) + SAMPLES_PER_FRAME // 2) // SAMPLES_PER_FRAME)
    if end - first < MIN_FRAMES:
        raise Reject(
            "too_short",
            f"picture and sound share {max(0, end - first)} frames at {FRAMES_PER_SECOND} fps; "
            f"at least {MIN_FRAMES} are needed",
        )
    waveform = samples[first * SAMPLES_PER_FRAME - delay : end * SAMPLES_PER_FRAME - delay]
    missing = (end - first) * SAMPLES_PER_FRAME - len(waveform)
    frames = np.stack(picture.frames[first:end])
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
        "num_leading_frames_cut": first,
    }
    return Recording(frames, np.pad(waveform, (0, missing)), first, media)


def _to_16_khz(sound: Sound) -> Int16[np.ndarray, " s"]:
    resampled = soxr.resample(sound.samples(), sound.sample_rate, SAMPLE_RATE, quality="HQ")
    largest = np.iinfo(np.int16).max
    return np.clip(np.round(resampled * INT16_SCALE), -INT16_SCALE, largest).astype(np.int16)
