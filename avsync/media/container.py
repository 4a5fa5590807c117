"""An open media file: its video and audio streams, and its complete audio."""

import contextlib
import math
from array import array
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
from jaxtyping import Int16

from avsync.media.decoding import decoded, packets
from avsync.media.formats import codec_name, open_container
from avsync.media.mono_audio import MonoAudio, require_length
from avsync.media.rejects import Reject
from avsync.units import INT16_SCALE, SAMPLE_RATE, SILENCE_AMPLITUDE

# Between packets of video; slide shows have a frame per second or two.
MIN_GAP_SECONDS = 1.0

# A file may have gaps of any length, in which the picture stands or the sound is silent, up to this
# in all; longer ones must be less than half of it.
MAX_GAP_SECONDS = 600.0

# A picture of an album and the previews of a player are streams too, but not the video.
STILLS = Disposition.attached_pic | Disposition.still_image | Disposition.timed_thumbnails

# Containers without a stated length; FFmpeg estimates it from timestamps, which may wrap.
ESTIMATED_LENGTHS = ("mpeg", "mpegts", "mpegtsraw")

# Tracks for people who cannot hear or see the others.
FOR_IMPAIRED = Disposition.hearing_impaired | Disposition.visual_impaired


class OpenFile(NamedTuple):
    """A file with a video and an audio stream, open for reading.

    sound: the container of the audio stream, nearly always that of the video.
    audio_track, num_audio_tracks: the number of the audio stream among those of sound, from 1, and
      how many there are; `num_video_tracks` likewise.
    """

    container: InputContainer
    sound: InputContainer
    video: VideoStream
    audio: AudioStream
    audio_track: int
    num_audio_tracks: int
    num_video_tracks: int

    def packets(self) -> Iterator[av.Packet]:
        """The packets of both streams, as `decoding.packets` gives them."""
        if self.sound is self.container:
            yield from packets(self.container, self.video, self.audio)
        else:
            yield from packets(self.container, self.video)
            yield from packets(self.sound, self.audio)

    @property
    def video_tick_seconds(self) -> float:
        """The unit of the timestamps of the video packets."""
        return float(self.video.time_base or 0)

    @property
    def pixel_aspect(self) -> float:
        """The width of a pixel over its height."""
        return float(self.video.sample_aspect_ratio or 1)

    @property
    def stated_seconds(self) -> float:
        """The length that the header states; 0 if it states none.

        Where it is that of the whole file, it counts only if there is no other stream.
        """
        if self.container.format.name in ESTIMATED_LENGTHS:
            return 0.0
        streams = (self.video, self.audio)
        known = [float(s.duration * (s.time_base or 0)) for s in streams if s.duration]
        if len(known) == len(streams):
            return max(known)
        has_others = len(self.container.streams) > len(streams)
        return 0.0 if has_others else (self.container.duration or 0) / av.time_base


class Audio(NamedTuple):
    """The whole audio stream of a file, mono at 16 kHz, and what was learnt beside it.

    num_bytes: its coded size.
    num_lost_packets: that could not be decoded; silence stands for them.
    restarts: True if the timestamps begin again; the sound from there on is left out.
    num_invalid_samples: that were no numbers or far too large; they count as 0.
    channel_used: from 1; 0 for the mean of all.
    better_channel: that is to be used instead, see `MonoAudio.better_channel`.
    stated_video_seconds: the length of the video by the timestamps of its packets, 0 if they have
      none.
    held_gap_seconds: the total length of the gaps between its packets.
    """

    samples: Int16[np.ndarray, " s"]
    start_seconds: float
    sample_rate: int
    filled_gap_seconds: float
    num_bytes: int
    num_lost_packets: int
    restarts: bool
    num_invalid_samples: int
    channel_used: int
    better_channel: int
    stated_video_seconds: float
    held_gap_seconds: float

    @property
    def seconds(self) -> float:
        """The length of the audio."""
        return len(self.samples) / SAMPLE_RATE


@contextlib.contextmanager
def open_file(
    path: Path,
    *,
    max_pixels: int | None = None,
    audio_track: int | None = None,
    sound: Path | None = None,
) -> Iterator[OpenFile]:
    """Opens the default video and audio streams of a file, or its sound number `audio_track`.

    `sound` is another file, whose audio is used instead. Frames of more than `max_pixels` are
    refused before they are decoded. Raises `Reject` if a file or a stream is missing or has no
    decoder, and for any FFmpeg error until it is closed.
    """
    try:
        with contextlib.ExitStack() as stack:
            container = stack.enter_context(open_container(path))
            other = stack.enter_context(open_container(sound)) if sound else container
            videos = [s for s in container.streams.video if not s.disposition & STILLS]
            sounds = list(other.streams.audio)
            if not videos:
                raise Reject("no_video", "the file has no video stream")
            if not sounds:
                raise Reject("no_audio", "the file has no audio stream")
            if audio_track is not None and audio_track > len(sounds):
                raise Reject(
                    "no_audio", f"audio track {audio_track} was asked for; there are {len(sounds)}"
                )
            video = _default(videos)
            audio = sounds[audio_track - 1] if audio_track else _default(sounds)
            _require_decoder(video, path)
            _require_decoder(audio, sound or path)
            if max_pixels is not None:
                _limit_size(video, max_pixels)
            number = sounds.index(audio) + 1
            yield OpenFile(container, other, video, audio, number, len(sounds), len(videos))
    except FFmpegError as error:
        raise Reject("undecodable", f"FFmpeg: {error.strerror or error}") from error


def _default(streams: list[Any]) -> Any:
    """The stream that players choose: the one that the file calls its default, else the first."""

    def rank(stream: Any) -> tuple[bool, int]:
        has_decoder = stream.codec_context is not None
        flags = stream.disposition
        return has_decoder, bool(flags & Disposition.default) - bool(flags & FOR_IMPAIRED)

    return max(streams, key=rank)  # the first of equals


def _require_decoder(stream: Any, path: Path) -> None:
    if stream.codec_context is None:
        name = codec_name(path, stream.type, index=stream.index)
        raise Reject(
            "undecodable",
            f"no decoder for the codec of the {stream.type} stream, {name}: convert it first "
            "(an encrypted stream must be decrypted)",
        )


def _limit_size(video: VideoStream, max_pixels: int) -> None:
    """Raises `Reject` if the header states larger frames; the decoder refuses any that follow."""
    width, height = video.codec_context.width, video.codec_context.height
    if width * height > max_pixels:
        raise Reject(
            "too_large",
            f"frames of {width} x {height} pixels; the limit is {max_pixels / 1e6:g} million",
        )
    video.codec_context.options = {**video.codec_context.options, "max_pixels": str(max_pixels)}


def read_audio(
    file: OpenFile, *, max_seconds: float = math.inf, channel: int | None = None
) -> Audio:
    """Decodes the audio; raises `Reject` if it has no samples, or most of a stream is gaps.

    `channel` is the only one to use, from 1; None for the mean of all.
    """
    audio = MonoAudio(max_seconds=max_seconds, channel=channel)
    num_bytes = num_lost = 0
    times = array("q")  # of the video packets, in ticks: fractions cost 1 ms per clip
    video_end = -math.inf
    for packet in file.packets():
        if packet.stream.type == "video":
            if packet.pts is not None:
                times.append(packet.pts)
                video_end = max(video_end, packet.pts + (packet.duration or 0))
                require_length((video_end - times[0]) * file.video_tick_seconds, max_seconds)
            continue
        num_bytes += packet.size
        try:
            for frame in decoded(packet):
                if isinstance(frame, av.AudioFrame):
                    audio.add(frame)
        except ValueError:
            num_lost += 1
    samples = audio.finish()
    if not len(samples):
        raise Reject("no_audio", "no sample of the audio stream could be decoded")
    video_start = min(times, default=0)
    result = Audio(
        samples,
        start_seconds=audio.start_seconds,
        sample_rate=audio.sample_rate,
        filled_gap_seconds=audio.filled_gap_seconds,
        num_bytes=num_bytes,
        num_lost_packets=num_lost,
        restarts=audio.restarts,
        num_invalid_samples=audio.num_invalid_samples,
        channel_used=channel or 0,
        better_channel=0 if channel else audio.better_channel,
        stated_video_seconds=max(0.0, (video_end - video_start) * file.video_tick_seconds),
        held_gap_seconds=_gaps(times, file.video_tick_seconds),
    )
    _require_content("picture", result.held_gap_seconds, result.stated_video_seconds)
    _require_content("sound", result.filled_gap_seconds, result.seconds)
    return result


def _gaps(ticks: "array[int]", tick_seconds: float) -> float:
    """The total length of the gaps between video packets, in seconds."""
    steps = np.diff(np.sort(np.frombuffer(ticks, np.int64))) * tick_seconds
    return float(steps[steps > MIN_GAP_SECONDS].sum())


def _require_content(stream: str, gap_seconds: float, seconds: float) -> None:
    """Raises `Reject` for a long stream that is mostly gaps, which would be scored as content."""
    if gap_seconds > MAX_GAP_SECONDS and 2 * gap_seconds > seconds:
        raise Reject(
            "too_long",
            f"{gap_seconds:,.0f} of {seconds:,.0f} s have no {stream}; gaps of more than "
            f"{MAX_GAP_SECONDS:.0f} s must be less than half of a file",
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
