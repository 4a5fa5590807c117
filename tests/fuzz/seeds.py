"""Small videos with sound in many containers, from which the mutants of media files are made."""

from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
from jaxtyping import UInt8

from tests.fuzz.containers import Layout

NUM_FRAMES = 32  # the shortest that is read has 25; mutants lose some


class Kind(NamedTuple):
    """A container with two codecs; `layout` is how its parts are found."""

    extension: str
    layout: Layout
    picture: str
    sound: str
    sample_rate: int = 16_000
    muxer_options: dict[str, str] = {}  # noqa: RUF012  a NamedTuple's default is shared anyway


KINDS = {
    "mp4": Kind("mp4", "boxes", "libx264", "aac"),
    "fragmented": Kind(
        "mp4", "boxes", "libx264", "aac", muxer_options={"movflags": "frag_keyframe+empty_moov"}
    ),
    "mov": Kind("mov", "boxes", "png", "pcm_s16le"),
    "mkv": Kind("mkv", "elements", "libx264", "flac"),
    "webm": Kind("webm", "elements", "libvpx", "libopus", 48_000),
    "avi": Kind("avi", "chunks", "mpeg4", "libmp3lame"),
    "ts": Kind("ts", "packets", "mpeg2video", "mp2"),
    "flv": Kind("flv", "tags", "flv", "libmp3lame", 44_100),
    "ogg": Kind("ogg", "pages", "libvpx", "libopus", 48_000),
    "nut": Kind("nut", "plain", "ffv1", "pcm_f32le"),
    "asf": Kind("wmv", "plain", "wmv2", "wmav2", 44_100),
    "mpg": Kind("mpg", "plain", "mpeg1video", "mp2", 48_000),
}


def moving_square(height: int = 48, width: int = 64) -> UInt8[np.ndarray, "t h w"]:
    """Grey frames in which a bright square moves over noise."""
    frames = np.random.default_rng(0).integers(0, 60, (NUM_FRAMES, height, width), np.uint8)
    for index, frame in enumerate(frames):
        frame[10:26, 2 * index : 2 * index + 16] = 220
    return frames


def write(path: Path, kind: Kind, frames: UInt8[np.ndarray, "t h w"]) -> bytes:
    """The bytes of a file of these frames at 25 fps with a tone, written to `path` on the way."""
    with av.open(str(path), "w", options=dict(kind.muxer_options)) as container:
        picture: Any = container.add_stream(kind.picture, rate=25)
        picture.height, picture.width = frames.shape[1:]
        formats = picture.codec.video_formats or ()
        names = [pixels.name for pixels in formats]
        picture.pix_fmt = "yuv420p" if "yuv420p" in names or not names else names[0]
        if kind.picture == "libx264":
            picture.codec_context.max_b_frames = 2
        voice: Any = container.add_stream(kind.sound, rate=kind.sample_rate, layout="mono")
        voice.codec_context.bit_rate = 64_000
        for index, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="gray")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            container.mux(picture.encode(frame))
        container.mux(picture.encode(None))
        times = np.arange(len(frames) * kind.sample_rate // 25) / kind.sample_rate
        tone = 0.3 * np.sin(2 * np.pi * 300 * times[None]).astype(np.float32)
        sound = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
        sound.sample_rate, sound.pts = kind.sample_rate, 0
        sound.time_base = Fraction(1, kind.sample_rate)
        resampler = av.AudioResampler(format=voice.codec_context.format, layout="mono")
        size = voice.codec_context.frame_size or 1024
        queue = av.AudioFifo()
        for converted in resampler.resample(sound):
            queue.write(converted)
        while piece := queue.read(size, partial=True):
            container.mux(voice.encode(piece))
        container.mux(voice.encode(None))
    return path.read_bytes()
