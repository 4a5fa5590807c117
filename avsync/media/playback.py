"""What a browser plays of a file: the file itself, or a small preview of it.

Browsers play MP4 with H.264 and AAC, and WebM; of several sound tracks they choose one themselves.
Of any other file there is a preview, as long as that stays small.
"""

import io
from fractions import Fraction
from pathlib import Path
from typing import Literal, NamedTuple

import av
import numpy as np
from jaxtyping import Int16, UInt8

from avsync.media.container import OpenFile, open_file
from avsync.media.decoding import VideoDecoder
from avsync.media.frame_grid import FrameGrid
from avsync.media.images import ColourImages, Size
from avsync.media.rejects import Reject
from avsync.units import SAMPLE_RATE

# Held in a page that people send by mail, and in memory a few times over while it is made.
MAX_EMBEDDED_BYTES = 8 << 20

# A preview of this length has 85 kbit/s for the picture: below that, mouths are not seen.
MAX_PREVIEW_SECONDS = 600.0
MAX_PREVIEW_SIZE = Size(640, 640)
PREVIEW_AUDIO_BITS = 24_000  # per second, mono at 16 kHz
MAX_VIDEO_BITS = 600_000

# Finer than the ticks of any file, and the unit of MPEG.
TICK = Fraction(1, 90_000)

# By MIME type: container, codecs of the picture and of the sound, suffixes.
PLAYED = {
    "video/mp4": (
        "mov,mp4,m4a,3gp,3g2,mj2",
        {"h264"},
        {"aac", "mp3"},
        {".mp4", ".m4v", ".mov"},
    ),
    "video/webm": ("matroska,webm", {"vp8", "vp9", "av1"}, {"opus", "vorbis"}, {".webm"}),
}

# Cameras write others; browsers decode no H.264 of more than 8 bits or with colour of full width.
PLAYED_PIXELS = {"yuv420p", "yuvj420p"}

Kind = Literal["original", "linked", "preview", "none"]


class Playback(NamedTuple):
    """What is played.

    kind: "original", the file itself; "linked", the same where it lies; "preview"; or "none".
    mime: of what is played.
    data: to embed; b"" for "linked" and "none".
    delay_seconds: the time of the first frame as players count, from the start of what is played.
    size: of the picture as shown, upright and with square pixels; faces are given in it.
    first_image: the first frame.
    """

    kind: Kind
    mime: str
    data: bytes
    delay_seconds: float
    size: Size
    first_image: UInt8[np.ndarray, "h w 3"]


def read_playback(
    path: Path,
    *,
    audio_track: int | None,
    waveform: Int16[np.ndarray, " s"],
    start_seconds: float,
) -> Playback:
    """What is played of a file that has a score; raises `Reject`.

    `waveform`, at 16 kHz from `start_seconds` after the first frame on, is the sound of a preview.
    """
    with open_file(path, audio_track=audio_track) as file:
        mime = played_as(path, file)
        start = (file.container.start_time or 0) / av.time_base
        first = next(VideoDecoder(file.container, file.video).frames(), None)
        if first is None:
            raise Reject("no_video", "no frame of the video stream could be decoded")
        grid = FrameGrid(ColourImages(), pixel_aspect=file.pixel_aspect)
        grid.add(first.frame, 0.0)
        image = grid.finish()[0]
    assert grid.size is not None
    delay = max(0.0, first.seconds - start)
    if mime is not None:
        data = path.read_bytes() if path.stat().st_size <= MAX_EMBEDDED_BYTES else b""
        kind: Kind = "original" if data else "linked"
        return Playback(kind, mime, data, delay, grid.size, image)
    seconds = start_seconds + len(waveform) / SAMPLE_RATE
    if seconds > MAX_PREVIEW_SECONDS:
        return Playback("none", "", b"", 0.0, grid.size, image)
    data = _preview(path, grid.size, waveform, start_seconds=start_seconds, seconds=seconds)
    return Playback("preview", "video/mp4", data, 0.0, grid.size, image)


def played_as(path: Path, file: OpenFile) -> str | None:
    """The MIME type as which browsers play the file, with the sound that is scored; or None."""
    for mime, (container, pictures, sounds, suffixes) in PLAYED.items():
        if (
            file.container.format.name == container
            and path.suffix.lower() in suffixes
            and file.video.codec.canonical_name in pictures
            and file.audio.codec.canonical_name in sounds
            and file.video.codec_context.pix_fmt in PLAYED_PIXELS
            and (file.num_audio_tracks, file.num_video_tracks) == (1, 1)
        ):
            return mime
    return None


def _preview(
    path: Path,
    size: Size,
    waveform: Int16[np.ndarray, " s"],
    *,
    start_seconds: float,
    seconds: float,
) -> bytes:
    """An MP4 file with all frames of the video at their times, from 0 on, and with `waveform`."""
    bits = min(MAX_VIDEO_BITS, int(8 * MAX_EMBEDDED_BYTES / seconds * 0.9) - PREVIEW_AUDIO_BITS)
    small = size.within(MAX_PREVIEW_SIZE) if max(size) > max(MAX_PREVIEW_SIZE) else size
    buffer = io.BytesIO()
    with open_file(path) as file, av.open(buffer, "w", format="mp4") as preview:
        picture = preview.add_stream("libx264", rate=25)
        picture.width, picture.height = (max(2, edge // 2 * 2) for edge in small)
        picture.pix_fmt = "yuv420p"
        picture.codec_context.time_base = picture.time_base = TICK
        # A key frame a second, to seek by; no B frames, which would need an edit list.
        picture.options = {"preset": "veryfast", "crf": "23", "bf": "0", "g": "25", "threads": "1"}
        picture.options |= {"maxrate": str(bits), "bufsize": str(bits)}
        voice = preview.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        voice.bit_rate = PREVIEW_AUDIO_BITS
        preview.mux(_sound_packets(voice, waveform, start_seconds))
        convert, first, last = ColourImages(), None, -1
        for time, frame in VideoDecoder(file.container, file.video).frames():
            first = time if first is None else first
            if time - first > seconds + 1:
                break  # pictures without sound are not scored
            turns = round(frame.rotation / 90)
            image = convert(frame, Size(picture.width, picture.height).turned(turns))
            upright = np.ascontiguousarray(np.rot90(image, turns))
            shown = av.VideoFrame.from_ndarray(upright, format="rgb24")
            last = max(last + 1, round((time - first) / float(TICK)))
            shown.pts, shown.time_base = last, TICK
            preview.mux(picture.encode(shown))
        preview.mux(picture.encode(None))
    return buffer.getvalue()


def _sound_packets(voice, waveform: Int16[np.ndarray, " s"], start_seconds: float) -> list:
    packets, size = [], voice.codec_context.frame_size or 1024
    delay = round(start_seconds * SAMPLE_RATE)
    resampler = av.AudioResampler(format=voice.codec_context.format, layout="mono")
    for first in range(0, len(waveform), size):
        piece = np.ascontiguousarray(waveform[None, first : first + size])
        frame = av.AudioFrame.from_ndarray(piece, format="s16", layout="mono")
        frame.sample_rate, frame.time_base = SAMPLE_RATE, Fraction(1, SAMPLE_RATE)
        frame.pts = delay + first
        for converted in resampler.resample(frame):
            packets += voice.encode(converted)
    return [*packets, *voice.encode(None)]
