"""Clips of flashes and clicks, whose A/V offset is measured without a model."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np

from avsync.media.decode import open_video
from avsync.media.rejects import Reject
from avsync.scoring.offset_gain import candidate_gains
from avsync.scoring.offset_runs import certain_runs
from avsync.scoring.video.results import OffsetSegment, Timeline, TrackScores, VideoResult
from avsync.units import FRAMES_PER_SECOND, SAMPLES_PER_FRAME

NUM_FRAMES = 75
SOUND_RATE = 48_000
SIDE_PIXELS = 64

# No two gaps are alike, so that only one offset fits all of them.
FLASH_FRAMES = (9, 15, 27, 32, 46, 57, 61)

MAX_OFFSET_FRAMES = 15


class Form(NamedTuple):
    """A container and the codecs in it. H.264 has B frames; of these codecs, AAC has priming."""

    suffix: str
    video: str
    audio: str
    subtitles: str = ""


# The fastest ways to encode.
OPTIONS = {
    "libx264": {"preset": "ultrafast", "bf": "2"},
    "libvpx": {"deadline": "realtime", "cpu-used": "16"},
}

FORMS = {
    "mp4": Form("mp4", "libx264", "aac", "mov_text"),
    "mov": Form("mov", "libx264", "pcm_s16le", "mov_text"),
    "mkv": Form("mkv", "libx264", "mp2", "srt"),
    "webm": Form("webm", "libvpx", "libopus", "webvtt"),
    "ts": Form("ts", "libx264", "aac"),
}


def write(
    path: Path,
    form: Form,
    *,
    late_seconds: float = 0.0,
    rate: float = 0.0,
    num_turns: int = 1,
    num_tracks: int = 1,
    times: Sequence[float] | None = None,
) -> Path:
    """A clip of 3 s per turn in which each flash clicks `late_seconds` later, on each sound track.

    Sound gets later by `rate`, as if it were recorded by a clock that runs too fast. `times` are
    those of the pictures in seconds, None for 25 a second. Both streams begin at 0: the sound
    itself is late. With subtitles, chapters and tags where the container has them.
    """
    shown = pictures(num_turns)
    if times is not None:
        for frame, seconds in zip(shown, times, strict=True):
            frame.pts, frame.time_base = round(seconds * 1000), Fraction(1, 1000)
    with av.open(str(path), "w") as out:
        out.metadata["title"] = "Flashes"
        video = out.add_stream(form.video, rate=FRAMES_PER_SECOND)
        video.width = video.height = SIDE_PIXELS
        video.pix_fmt = "yuv420p"
        video.options = OPTIONS.get(form.video, {})
        if times is not None:
            video.codec_context.time_base = Fraction(1, 1000)
        tracks = [out.add_stream(form.audio, rate=SOUND_RATE) for _ in range(num_tracks)]
        for number, track in enumerate(tracks):
            track.metadata["language"] = ("eng", "deu", "fra")[number]
        packets = [packet for frame in shown for packet in video.encode(frame)]
        packets += video.encode(None)
        for track in tracks:
            packets += encode_sound(track, clicks(late_seconds, rate=rate, num_turns=num_turns))
        if form.subtitles:
            packets.append(_subtitle(out, form.subtitles))
        if form.suffix not in ("ts", "avi"):
            out.set_chapters([_chapter(1, 0, 1, "One"), _chapter(2, 1, 3, "Two")])
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            out.mux(packet)
    return path


def clicks(late_seconds: float, *, rate: float = 0.0, num_turns: int = 1) -> np.ndarray:
    """Samples [s] at `SOUND_RATE`: 10 ms of noise from the begin of each flash on, and a hiss."""
    rng = np.random.default_rng(0)
    samples = rng.normal(0, 0.001, num_turns * NUM_FRAMES * SOUND_RATE // FRAMES_PER_SECOND)
    length = SOUND_RATE // 100
    for frame in flash_frames(num_turns):
        seconds = frame / FRAMES_PER_SECOND
        first = round((seconds * (1 + rate) + late_seconds) * SOUND_RATE)
        samples[first : first + length] += rng.normal(0, 0.3, length)
    return samples.astype(np.float32)


def flash_frames(num_turns: int) -> list[int]:
    """Of a long clip, few: each click is looked for by itself there, 0.7 s around its flash."""
    frames = FLASH_FRAMES if num_turns == 1 else FLASH_FRAMES[::4]
    return [NUM_FRAMES * turn + frame for turn in range(num_turns) for frame in frames]


def delays(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """When each flash of a long clip begins, and how much later it clicks; by PyAV alone."""
    with av.open(str(path)) as container:
        shown = [
            (frame.time, frame.to_ndarray()[:SIDE_PIXELS].mean())
            for frame in container.decode(video=0)
        ]
    times, brightness = np.array(shown).T
    flashes = times[brightness > brightness.max() / 2]
    with av.open(str(path)) as container:
        heard = np.zeros(round((times[-1] + 2) * SOUND_RATE))
        for frame in container.decode(audio=0):
            samples = frame.to_ndarray().astype(float)
            planes = samples if frame.format.is_planar else samples.reshape(-1, 2).T
            first = round(frame.time * SOUND_RATE)
            heard[first : first + frame.samples] = planes[0, : max(0, len(heard) - first)]
    energy = np.cumsum(np.pad(heard**2, (1, 0)))
    length, reach = SOUND_RATE // 100, 7 * SOUND_RATE // 10
    found = []
    for seconds in flashes:
        lowest = max(0, round(seconds * SOUND_RATE) - reach)
        part = energy[lowest : lowest + 2 * reach]
        found.append((lowest + int(np.argmax(part[length:] - part[:-length]))) / SOUND_RATE)
    return flashes, np.array(found) - flashes


def measured_seconds(path: Path) -> float:
    """How much later than its flashes a file clicks, by avsync's own reader, to some ms.

    The frame of best correlation of brightness and loudness, and the delay of the clicks in it.
    """
    with open_video(path) as video:
        brightness = np.array([frame.mean() for frame in video.frames()])
        waveform = video.recording().waveform.astype(float)
    flashes = np.flatnonzero(brightness > brightness.max() / 2)
    energy = np.pad(waveform**2, SAMPLES_PER_FRAME * MAX_OFFSET_FRAMES)
    reach = np.arange(2 * MAX_OFFSET_FRAMES * SAMPLES_PER_FRAME)
    # Loudness from 15 frames before each flash to 15 after it, summed over the flashes.
    heard = sum(energy[frame * SAMPLES_PER_FRAME + reach] for frame in flashes)
    cumulative = np.cumsum(np.pad(heard, (1, 0)))
    length = SAMPLES_PER_FRAME // 4  # of a click
    first = int(np.argmax(cumulative[length:] - cumulative[:-length]))
    return (first - MAX_OFFSET_FRAMES * SAMPLES_PER_FRAME) / 16_000


class FlashScorer:
    """Measures the offset of such clips, to a frame, in place of a model."""

    def __init__(self) -> None:
        self.scored: list[Path] = []

    def score(self, path: Path, **_: object) -> VideoResult:
        self.scored.append(path)
        try:
            frames = round(measured_seconds(path) * FRAMES_PER_SECOND)
        except Reject as reject:
            return VideoResult(path=str(path), status=reject.reason, message=reject.detail)
        return VideoResult(
            path=str(path),
            score=0.0,
            offset_frames=frames,
            offset_seconds=frames / FRAMES_PER_SECOND,
            offsets=(OffsetSegment(0.0, 3.0, frames),),
            offset_is_certain=True,
            message="measured",
        )


def pictures(num_turns: int = 1) -> list[av.VideoFrame]:
    frames, bright = [], flash_frames(num_turns)
    for number in range(num_turns * NUM_FRAMES):
        level = 235 if number in bright else 16
        picture = np.full((SIDE_PIXELS, SIDE_PIXELS), level, np.uint8)
        frame = av.VideoFrame.from_ndarray(picture, format="gray").reformat(format="yuv420p")
        frame.pts, frame.time_base = number, Fraction(1, FRAMES_PER_SECOND)
        frames.append(frame)
    return frames


def encode_sound(track, samples: np.ndarray) -> list[av.Packet]:
    resampler = av.AudioResampler(
        format=track.codec_context.format, layout=track.layout, rate=SOUND_RATE
    )
    stereo = np.tile(samples, (2, 1))
    frame = av.AudioFrame.from_ndarray(stereo, format="fltp", layout="stereo")
    frame.sample_rate, frame.time_base, frame.pts = SOUND_RATE, Fraction(1, SOUND_RATE), 0
    packets = [p for piece in resampler.resample(frame) for p in track.encode(piece)]
    return packets + track.encode(None)


def _subtitle(out, codec: str) -> av.Packet:
    stream = out.add_mux_stream(codec)
    text = b"Flash"
    packet = av.Packet(len(text).to_bytes(2, "big") + text if codec == "mov_text" else text)
    packet.stream, packet.time_base = stream, Fraction(1, 1000)
    packet.pts = packet.dts = 500
    packet.duration = 1000
    return packet


def _chapter(number: int, start: int, end: int, title: str) -> dict:
    base = Fraction(1, 1)
    return {
        "id": number,
        "start": start,
        "end": end,
        "time_base": base,
        "metadata": {"title": title},
    }


class DriftScorer:
    """Measures the offset of long clips by single flashes, and tells it as a model would."""

    def __init__(self) -> None:
        self.scored: list[Path] = []

    def score(self, path: Path, **_: object) -> VideoResult:
        self.scored.append(path)
        times, late = delays(path)
        with av.open(str(path)) as container:
            video = container.streams.video[0]
            times = times - float((video.start_time or 0) * (video.time_base or 0))
        seconds = np.arange(0, times[-1], 1 / FRAMES_PER_SECOND)
        frames = np.interp(seconds, times, late) * FRAMES_PER_SECOND
        candidates = np.arange(-MAX_OFFSET_FRAMES, MAX_OFFSET_FRAMES + 1)
        logits = np.maximum(9 - (candidates - frames[:, None]) ** 2, 0).astype(np.float32)
        gains = candidate_gains(logits)
        runs = certain_runs(gains, min_nats=60.0)
        track = TrackScores(0.0, np.zeros(len(seconds)), gains)
        return VideoResult(
            path=str(path),
            score=0.0,
            offset_frames=runs[0].offset_frames,
            offset_seconds=runs[0].offset_frames / FRAMES_PER_SECOND,
            offsets=tuple(
                OffsetSegment(
                    run.first / FRAMES_PER_SECOND, run.end / FRAMES_PER_SECOND, run.offset_frames
                )
                for run in runs
            ),
            offset_is_certain=True,
            timeline=Timeline(np.zeros(0, np.int16), 0.0, [track], [], np.zeros(31)),
            message="measured",
        )
