"""Media files written for tests, with any frame times, audio start and sample rate."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

WriteMedia = Callable[..., Path]

TIME_BASE = Fraction(1, 90_000)


@pytest.fixture
def write_media(tmp_path: Path) -> WriteMedia:
    """`write_media(frames=, times=, sound=, sample_rate=, …)` returns a lossless file's path."""

    def write(
        *,
        frames: np.ndarray | None = None,  # uint8 [t h w] grey
        times: np.ndarray | None = None,  # seconds, one per frame
        sound: list[tuple[float, np.ndarray]] | None = None,  # (start, float samples [channels s])
        sample_rate: int = 16_000,
        audio_codec: str = "pcm_s16le",
        rotation: int = 0,
        name: str = "clip.mkv",
    ) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            packets: list[tuple[float, Any]] = []
            if frames is not None:
                assert times is not None
                packets += _encode_picture(container, frames, times, rotation)
            if sound is not None:
                packets += _encode_sound(container, sound, sample_rate, audio_codec)
            for _, packet in sorted(packets, key=lambda timed: timed[0]):
                container.mux(packet)
        return path

    return write


def _encode_picture(container, frames, times, rotation):
    codec = "png" if container.name.endswith(".mov") else "ffv1"  # both lossless
    stream = container.add_stream(codec, rate=25, time_base=TIME_BASE)
    stream.height, stream.width = frames.shape[1:]
    stream.pix_fmt = "gray"
    stream.codec_context.time_base = TIME_BASE
    if rotation:
        stream.set_display_rotation(rotation)
    ticks = [round(seconds / TIME_BASE) for seconds in times]
    # A single frame lasts as long as at 25 fps.
    last = ticks[-1] - ticks[-2] if len(ticks) > 1 else round(0.04 / TIME_BASE)
    lengths = [*np.diff(ticks), last]
    for pixels, seconds, tick, length in zip(frames, times, ticks, lengths, strict=True):
        frame = av.VideoFrame.from_ndarray(pixels, format="gray")
        frame.pts, frame.duration, frame.time_base = tick, int(length), TIME_BASE
        yield from ((seconds, packet) for packet in stream.encode(frame))
    yield from ((times[-1], packet) for packet in stream.encode(None))


def _encode_sound(container, sound, sample_rate, codec):
    layout = {1: "mono", 2: "stereo"}[len(sound[0][1])]
    stream = container.add_stream(codec, rate=sample_rate, layout=layout)
    resampler = av.AudioResampler(format=stream.codec_context.format, layout=layout)
    size = sample_rate // 50
    for start, samples in sound:
        for first in range(0, samples.shape[1], size):
            piece = np.ascontiguousarray(samples[:, first : first + size], np.float32)
            frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout=layout)
            frame.sample_rate = sample_rate
            frame.time_base = Fraction(1, sample_rate)
            frame.pts = round(start * sample_rate) + first
            for converted in resampler.resample(frame):
                seconds = float(converted.pts * converted.time_base)
                yield from ((seconds, packet) for packet in stream.encode(converted))
    yield from ((float("inf"), packet) for packet in stream.encode(None))
