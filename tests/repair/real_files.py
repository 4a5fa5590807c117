"""Real clips joined to long files, with their sound late, drifting or cut."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import soxr

from avsync.units import FRAMES_PER_SECOND
from tests import odd_files
from tests.repair.flashes import OPTIONS, SOUND_RATE, Form, encode_sound

# Of pictures whose own times are stretched.
TICK = Fraction(1, 90_000)


class Recording(NamedTuple):
    """Grey frames [t h w] at 25 per second, and their sound [s] at `odd_files.SOUND_RATE`."""

    frames: np.ndarray
    sound: np.ndarray


def joined(clips: Sequence[Path]) -> Recording:
    """The clips one after the other, each with sound as long as its picture."""
    frames, sounds = [], []
    for clip in clips:
        pictures, sound = odd_files.read(clip)
        length = len(pictures) * odd_files.SOUND_RATE // FRAMES_PER_SECOND
        frames.append(pictures)
        sounds.append(np.pad(sound[0][:length], (0, max(0, length - sound.shape[1]))))
    return Recording(np.concatenate(frames), np.concatenate(sounds))


def write(
    path: Path,
    form: Form,
    recording: Recording,
    *,
    late_seconds: float = 0.0,
    rate: float = 0.0,
    picture_rate: float = 0.0,
    jump_seconds: float = 0.0,
) -> Path:
    """Encodes a recording with its sound late or early; both streams begin at 0.

    Sound gets later by `rate`, for it is resampled; or by `picture_rate`, for the pictures are
    shown too fast. `jump_seconds` of silence are put into its middle, or cut from there.
    """
    sound = soxr.resample(
        recording.sound.astype(np.float32), odd_files.SOUND_RATE, SOUND_RATE * (1 + rate)
    )
    shift, length = round(late_seconds * SOUND_RATE), len(sound)
    sound = np.pad(sound, (max(0, shift), max(0, -shift)))[max(0, -shift) :][:length]
    jump, middle = round(jump_seconds * SOUND_RATE), length // 2
    gap = np.zeros(max(0, jump), np.float32)
    sound = np.concatenate([sound[:middle], gap, sound[middle + max(0, -jump) :]])
    with av.open(str(path), "w") as out:
        video = out.add_stream(form.video, rate=FRAMES_PER_SECOND)
        video.height, video.width = recording.frames.shape[1:]
        video.pix_fmt, video.bit_rate = "yuv420p", 1_000_000
        video.options = OPTIONS.get(form.video, {})
        if picture_rate:
            video.codec_context.time_base = TICK
        track = out.add_stream(form.audio, rate=SOUND_RATE)
        packets = encode_sound(track, sound)
        for number, pixels in enumerate(recording.frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="gray")
            frame = frame.reformat(format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, FRAMES_PER_SECOND)
            if picture_rate:
                seconds = number / FRAMES_PER_SECOND / (1 + picture_rate)
                frame.pts, frame.time_base = round(seconds / TICK), TICK
            packets += video.encode(frame)
        for packet in [*packets, *video.encode(None)]:
            out.mux(packet)
    return path
