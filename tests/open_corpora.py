"""Miniature open corpora: real GRID clips under the names and in the formats of others."""

import shutil
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import soundfile
from av.container import InputContainer
from av.video.stream import VideoStream

# CREMA-D's frame rate.
NTSC = Fraction(30_000, 1001)

FRAMES_PER_SECOND = 25

MAX_SECONDS = 3


def grid_clips(testdata: Path) -> list[Path]:
    """Real clips of one talker, 3 s each."""
    return sorted((testdata / "grid_s1" / "video").glob("*.mkv"))


def write_grid(source: Path, path: Path) -> None:
    """A clip of GRID as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, path)


def write_crema_d(source: Path, path: Path, *, sound: bool = True) -> None:
    """A clip as in CREMA-D: Flash Video at 29.97 fps with MP3 at 44.1 kHz."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures, samples, rate = read(source)
    times = np.arange(int(MAX_SECONDS * NTSC)) / float(NTSC)
    with av.open(str(path), "w", format="flv") as out:
        video = out.add_stream("flv", rate=NTSC)
        video.height, video.width = pictures[0].shape[:2]
        video.pix_fmt, video.bit_rate = "yuv420p", 2_000_000
        audio = out.add_stream("libmp3lame", rate=rate, layout="mono") if sound else None
        for number, second in enumerate(times):
            picture = pictures[min(round(second * 25), len(pictures) - 1)]
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, 1 / NTSC
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        if audio:
            frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
            out.mux([*audio.encode(frame), *audio.encode(None)])


def write_lombard_grid(source: Path, root: Path, stem: str) -> None:
    """A clip as in Lombard Grid: a QuickTime file without sound, and the sound beside it."""
    for folder in ("front", "audio"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    _, samples, rate = read(source)
    soundfile.write(root / "audio" / f"{stem}.wav", samples, rate, subtype="FLOAT")
    with (
        av.open(str(source)) as original,
        av.open(str(root / "front" / f"{stem}.mov"), "w") as out,
    ):
        copy = out.add_stream_from_template(original.streams.video[0])
        for packet in _in_order(original, original.streams.video[0]):
            packet.stream = copy
            out.mux(packet)


def write_late(source: Path, path: Path, *, frames: int) -> None:
    """A clip whose sound is late by its times; nothing is encoded again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(source)) as original, av.open(str(path), "w") as out:
        video, sound = original.streams.video[0], original.streams.audio[0]
        video_copy = out.add_stream_from_template(video)
        sound_copy = out.add_stream_from_template(sound)
        for packet in _in_order(original, video):
            packet.stream = video_copy
            out.mux(packet)
        original.seek(0)
        for packet in original.demux(sound):
            if packet.pts is not None:
                delay = round(frames / FRAMES_PER_SECOND / packet.time_base)
                packet.pts, packet.dts = packet.pts + delay, packet.pts + delay
                packet.stream = sound_copy
                out.mux(packet)


def read(path: Path) -> tuple[list[np.ndarray], np.ndarray, int]:
    """The pictures, the mono sound as floats, and its rate."""
    with av.open(str(path)) as file:
        pictures = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    with av.open(str(path)) as file:
        rate = file.streams.audio[0].rate
        as_floats = av.AudioResampler(format="fltp")
        frames = [f for frame in file.decode(audio=0) for f in as_floats.resample(frame)]
    # FFmpeg's own mono is louder than the mean of the channels.
    return pictures, np.concatenate([f.to_ndarray().mean(axis=0) for f in frames]), rate


def _in_order(container: InputContainer, stream: VideoStream) -> Iterator[av.Packet]:
    for number, packet in enumerate(container.demux(stream)):
        if packet.pts is not None:
            if packet.dts is None:  # Matroska does not store it for the first packets
                packet.dts = (number - 2) * 40
            yield packet
