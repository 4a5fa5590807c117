"""Packets and frames of an open file; what is damaged is skipped and counted.

A packet that cannot be decoded costs its own frames, and a file that ends early ends there.
"""

from collections.abc import Iterator
from typing import NamedTuple

import av
from av.codec.context import Flags
from av.container import InputContainer
from av.error import EOFError as FFmpegEOFError
from av.error import FFmpegError, InvalidDataError
from av.error import MemoryError as FFmpegMemoryError
from av.stream import Stream
from av.video.frame import PictureType
from av.video.stream import VideoStream

from avsync.media.frame_times import FrameTimes
from avsync.media.rejects import Reject
from avsync.units import FRAMES_PER_SECOND

# Containers that store no presentation times. FFmpeg invents them there, from the decoding times
# and in the order of decoding: 40 ms late without B frames, and stepping back with them.
WITHOUT_PRESENTATION_TIMES = ("avi", "h264", "hevc", "m4v", "mpegvideo", "vc1")

# Codecs whose packets are shown as one frame each; others have packets that show nothing.
ONE_PACKET_PER_FRAME = ("h264", "hevc", "mpeg1video", "mpeg2video", "mjpeg", "ffv1")

# Timestamps that step back this far begin again: files that were joined without new timestamps.
RESTART_SECONDS = 1.0


class TimedFrame(NamedTuple):
    """A decoded frame and the time at which it is shown."""

    seconds: float
    frame: av.VideoFrame


def packets(container: InputContainer, *streams: Stream) -> Iterator[av.Packet]:
    """The packets of these streams, and one without data for each at the end; ends at damage.

    Raises `Reject` for a file with a stream that its header does not announce.
    """
    try:
        yield from container.demux(*streams)
    except (InvalidDataError, FFmpegEOFError):
        # The demuxers skip what they can; here the rest is lost. What the decoders hold is not.
        yield from (_flush(stream) for stream in streams)
    except IndexError as error:  # PyAV knows the streams of the header only
        raise Reject(
            "undecodable",
            "a stream that the header does not announce begins in the middle of the file; copy "
            "its streams to a new file (ffmpeg -i FILE -map 0 -c copy NEW.mkv)",
        ) from error


def has_presentation_times(container: InputContainer) -> bool:
    """Return whether the times of the frames are those that the file states."""
    return container.format.name not in WITHOUT_PRESENTATION_TIMES


def decoded(packet: av.Packet) -> list:
    """The frames of the packet; ValueError if it is damaged."""
    try:
        return packet.decode()
    except FFmpegMemoryError:
        raise
    except FFmpegEOFError:  # flushed before
        return []
    except FFmpegError as error:
        raise ValueError(f"damaged packet: {error.strerror}") from error


class VideoDecoder:
    """Decodes the video of an open file, each frame with the time at which it is shown.

    Attributes:
      num_bytes: read so far.
      num_packets: of frames to be shown, read so far.
      num_lost: frames that could not be decoded.
      num_damaged: frames that were decoded with errors, and are shown.
      end_ticks: the end of the latest packet so far.
      restarts: True if the timestamps begin again; the frames from there on are left out.
    """

    def __init__(self, container: InputContainer, stream: VideoStream):
        self.num_bytes = self.num_packets = self.num_lost = self.num_damaged = 0
        self.end_ticks = 0
        self.restarts = False
        self._packets = packets(container, stream)
        self._tick_seconds = float(stream.time_base or 0)
        self._is_exact = has_presentation_times(container)
        self._has_packet_per_frame = stream.codec.canonical_name in ONE_PACKET_PER_FRAME
        rate = stream.guessed_rate or stream.average_rate or FRAMES_PER_SECOND
        self._frame_seconds = 1 / float(rate)
        self._times = FrameTimes()
        if not self._is_exact:  # each frame then names its packet
            stream.codec_context.flags |= Flags.copy_opaque

    def frames(self) -> Iterator[TimedFrame]:
        """The frames, in the order and at the times in which they are shown."""
        last, num_frames = -float("inf"), 0
        for packet in self._packets:
            self._count(packet)
            for frame in self._decoded(packet):
                seconds = self._seconds(frame)
                if seconds is None:
                    self.num_lost += 1
                    continue
                if seconds < last - RESTART_SECONDS:
                    self.restarts = True
                    return
                # A time that steps back says nothing: frames come in the order they are shown in.
                # In MPEG program streams FFmpeg derives the times of most B frames, some wrongly.
                last = seconds if seconds >= last else last + self._frame_seconds
                self.num_damaged += frame.is_corrupt
                self._has_packet_per_frame &= not frame.interlaced_frame  # a packet may be a field
                num_frames += 1
                yield TimedFrame(last, frame)
        if self._has_packet_per_frame:  # frames before the first key frame are lost without a word
            self.num_lost = max(self.num_lost, self.num_packets - num_frames)

    def read_rest(self) -> None:
        """Reads the packets that `frames` left for their timestamps, without decoding them."""
        for packet in self._packets:
            self._count(packet)

    def _decoded(self, packet: av.Packet) -> list[av.VideoFrame]:
        try:
            return decoded(packet)
        except ValueError:
            self.num_lost += 1
            return []

    def _seconds(self, frame: av.VideoFrame) -> float | None:
        """The time of the frame; None if it is unknown."""
        if self._is_exact:
            return frame.time
        number = frame.opaque if isinstance(frame.opaque, int) else None
        ticks = self._times.show(number, is_bidirectional=frame.pict_type == PictureType.B)
        return None if ticks is None else ticks * self._tick_seconds

    def _count(self, packet: av.Packet) -> None:
        if packet.size:
            self.num_bytes += packet.size
            # An edit list has frames decoded for others only, and not shown.
            self.num_packets += not packet.is_discard
            if packet.dts is not None and not self._is_exact:
                packet.opaque = self._times.send(packet.dts)
        if packet.pts is not None:
            self.end_ticks = max(self.end_ticks, packet.pts + (packet.duration or 0))


def _flush(stream: Stream) -> av.Packet:
    packet = av.Packet(0)
    packet.stream = stream
    return packet
