"""Every container, codec, frame rate and start shows each frame with its own sound.

The truth is in the picture and the sound, not in a model: two grey levels tell which frame is
shown, and a click is heard at a known time. `-s` prints the table.
"""

from fractions import Fraction
from typing import NamedTuple

import av
import numpy as np
import pytest

from avsync.media.read_options import ReadOptions
from avsync.media.remarks import remarks
from tests.media.test_decode import click, heard_seconds
from tests.media.whole_files import decode

SECONDS, CLICK = 1.6, 0.8
SAMPLE_RATE = 48_000


class Container(NamedTuple):
    """What is written into a container; `starts` are those that it can state."""

    name: str
    audio: str
    videos: tuple[str, ...]
    rates: tuple[str, ...] = ("12", "24000/1001", "25", "30000/1001", "60")
    starts: tuple[tuple[float, float], ...] = ((0, 0), (0, 0.28), (0.28, 0), (40, 40))


FEW = ("24", "25", "30")  # MPEG-1 and MPEG-2 have a list of rates
TOGETHER = ((0.0, 0.0),)

CONTAINERS = {
    "mp4": Container("mp4", "aac", ("libx264", "libx264 bf=0", "mpeg4", "mpeg4 bf=2")),
    "fragmented mp4": Container("mp4", "aac", ("libx264",)),
    "mov": Container("mov", "pcm_s16le", ("libx264", "mjpeg")),
    "mkv": Container("matroska", "libopus", ("libx264", "mpeg4 bf=2", "libx265", "ffv1")),
    "webm": Container("webm", "libopus", ("libvpx", "libvpx-vp9", "libsvtav1")),
    "avi": Container(
        "avi",
        "pcm_s16le",
        ("libx264", "libx264 bf=0", "mpeg4", "mpeg4 bf=2", "mjpeg", "mpeg4 bf=2 vtag=XVID"),
        starts=TOGETHER,
    ),
    "avi mp2": Container("avi", "mp2", ("libx264", "mpeg4 bf=2"), starts=TOGETHER),
    "ts": Container("mpegts", "mp2", ("libx264", "libx264 bf=0", "mpeg2video bf=2"), FEW),
    "m2ts": Container("mpegts", "ac3", ("libx264",), FEW),
    "mpg": Container("mpeg", "mp2", ("mpeg1video", "mpeg2video bf=2"), FEW),
    "vob": Container("vob", "ac3", ("mpeg2video bf=2",), FEW),
    "flv": Container("flv", "libmp3lame", ("libx264", "flv")),
    "nut": Container("nut", "libmp3lame", ("mpeg4 bf=2", "libx264")),
    "asf": Container("asf", "wmav2", ("msmpeg4v3", "wmv2"), starts=((0, 0), (0, 0.28), (0.28, 0))),
    "3gp": Container("3gp", "aac", ("libx264",)),
    "ogv": Container("ogg", "libopus", ("libvpx",)),
    "mxf": Container("mxf", "pcm_s16le", ("mpeg2video bf=2",), ("25",), TOGETHER),
}

VFR = "variable"
SETTINGS = {
    "fragmented mp4": {"movflags": "frag_keyframe+empty_moov"},
    "m2ts": {"mpegts_m2ts_mode": "1"},
}


def times_of(rate: str) -> np.ndarray:
    """The times of the frames; those of a variable rate are 20 to 60 ms apart."""
    if rate == VFR:
        steps = np.random.default_rng(0).uniform(0.02, 0.06, 200)
        times = np.round(np.cumsum(steps) - steps[0], 3)
        return times[times < SECONDS]
    return np.arange(round(SECONDS * Fraction(rate))) / float(Fraction(rate))


def levels(num_frames: int) -> np.ndarray:
    """The grey levels of the halves of each frame: one rises slowly, one repeats every 8 frames."""
    index = np.arange(num_frames)
    return np.stack([20 + 200 * index // num_frames, 30 + 24 * (index % 8)], axis=1)


def drawn_frames(num_frames: int) -> np.ndarray:
    halves = levels(num_frames).astype(np.uint8)
    return np.repeat(np.repeat(halves[:, None], 96, axis=1), 48, axis=2)


def shown_indices(frames: np.ndarray, *, num_frames: int) -> np.ndarray:
    halves = np.stack([frames[:, :, 8:40].mean((1, 2)), frames[:, :, 56:88].mean((1, 2))], axis=1)
    return np.abs(halves[:, None] - levels(num_frames)).sum(axis=2).argmin(axis=1)


def write(path, name: str, video: str, rate: str, start: tuple[float, float]) -> None:
    container = CONTAINERS[name]
    codec, *pairs = video.split()
    options = dict(pair.split("=") for pair in pairs)
    times = times_of(rate)
    base = Fraction(1, 1000) if rate == VFR else 1 / Fraction(rate)
    settings = SETTINGS.get(name, {})
    with av.open(str(path), "w", format=container.name, options=settings) as out:
        tag = options.pop("vtag", None)
        picture = out.add_stream(
            codec, rate=Fraction(1000 if rate == VFR else rate), options=options
        )
        picture.width, picture.height = 96, 96
        picture.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        picture.codec_context.time_base = base
        picture.bit_rate = 2_000_000
        if tag:
            picture.codec_context.codec_tag = tag
        if "bf" in options:
            picture.codec_context.max_b_frames = int(options["bf"])
        sound = out.add_stream(container.audio, rate=SAMPLE_RATE, layout="stereo")
        if not container.audio.startswith("pcm"):
            sound.bit_rate = 128_000
        packets = []
        for seconds, drawn in zip(times, drawn_frames(len(times)), strict=True):
            frame = av.VideoFrame.from_ndarray(drawn, format="gray").reformat(
                format=picture.pix_fmt
            )
            frame.pts, frame.time_base = round((seconds + start[0]) / base), base
            packets += picture.encode(frame)
        packets += picture.encode(None)
        samples = np.repeat(click(SECONDS, SAMPLE_RATE, at=CLICK), 2, axis=0).astype(np.float32)
        whole = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples), format="fltp", layout="stereo"
        )
        whole.sample_rate, whole.time_base = SAMPLE_RATE, Fraction(1, SAMPLE_RATE)
        whole.pts = round(start[1] * SAMPLE_RATE)
        context = sound.codec_context
        size = context.frame_size or 1024
        resampler = av.AudioResampler(context.format, "stereo", SAMPLE_RATE, frame_size=size)
        for frame in [*resampler.resample(whole), *resampler.resample(None)]:
            packets += sound.encode(frame)
        packets += sound.encode(None)
        packets.sort(key=lambda packet: float((packet.dts or 0) * packet.time_base))
        out.mux(packets)


CELLS = [
    (name, video, rate, start)
    for name, container in CONTAINERS.items()
    for video in container.videos
    for rate, start in [
        *((rate, (0.0, 0.0)) for rate in container.rates),
        *(("25", start) for start in container.starts if start != (0, 0)),
    ]
]
# What lies before time 0 is in the file, and by its edit list it is not shown.
CELLS += [(name, "libx264", "25", (-0.28, -0.28)) for name in ("mp4", "mov", "3gp")]
CELLS += [(name, "libx264", VFR, (0.0, 0.0)) for name in ("mp4", "mov", "mkv", "flv")]


@pytest.fixture(scope="module")
def table():
    rows: dict[str, list[tuple[float, int]]] = {}
    yield rows
    for name, cells in rows.items():
        worst = max(abs(error) for error, _ in cells)
        lost = sum(lost for _, lost in cells)
        print(f"{name:16} {len(cells):3} cells, worst {1000 * worst:5.1f} ms, {lost} frames lost")


@pytest.mark.parametrize("name", CONTAINERS)
def test_each_frame_is_shown_with_its_own_sound(tmp_path, table, name):
    for _, video, rate, start in [cell for cell in CELLS if cell[0] == name]:
        cell = f"{name}, {video}, {rate} fps, starts {start}"
        path = tmp_path / "clip"
        write(path, name, video, rate, start)
        whole = decode(path, ReadOptions())
        times = times_of(rate)
        indices = shown_indices(whole.frames, num_frames=len(times))
        shown = times[indices]
        # The time of the sound of the first frame, and that of its picture, in the written frames.
        heard = start[1] + CLICK - heard_seconds(whole.waveform) - start[0]
        # The frame of each grid point is the nearest in time.
        error = float(np.mean(shown - np.arange(len(shown)) / 25) - heard)
        is_inside = (times > heard + 0.05) & (times < heard + len(shown) / 25 - 0.08)
        is_shown_once = np.append(np.diff(times), 1) >= 0.0399  # others may be left out
        lost = len(set(np.flatnonzero(is_inside & is_shown_once).tolist()) - set(indices.tolist()))
        table.setdefault(name, []).append((error, lost))
        assert abs(error) <= 0.02, cell
        assert lost == 0, cell
        assert whole.facts["num_frames_lost"] == 0, cell
        assert np.all(np.diff(indices) >= 0), cell


def test_files_that_were_joined_without_new_timestamps_are_read_up_to_the_joint(tmp_path):
    path = tmp_path / "joined.ts"
    write(path, "ts", "libx264", "25", (0.0, 0.0))
    path.write_bytes(path.read_bytes() * 2)
    whole = decode(path, ReadOptions())
    assert whole.facts["num_timestamp_restarts"] == 1
    assert len(whole.frames) == pytest.approx(25 * SECONDS, abs=2)
    assert remarks(whole.facts)[0].startswith("the timestamps begin again in the file")
