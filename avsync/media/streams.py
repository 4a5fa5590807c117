"""The two streams of a file as they are decoded: each puts its pieces where their times say."""

import functools
from typing import no_type_check

import av
import numpy as np
import soxr
from av.video.reformatter import VideoReformatter
from jaxtyping import Float32, Int16, UInt8
from numba import njit

from avsync.media.rejects import Reject
from avsync.units import FRAMES_PER_SECOND, INT16_SCALE, SAMPLE_RATE

# Containers round times to as little as a millisecond, and encoders let them wobble. Below half a
# video frame a jump between pieces of sound is taken for that, above for a gap or an overlap.
MAX_TIME_WOBBLE_SECONDS = 0.5 / FRAMES_PER_SECOND

# A stream that jumps farther is not a clip with a gap but a file with broken times.
MAX_GAP_SECONDS = 10.0

# A gibibyte of grey frames: 20 s at 1920 x 1080 pixels, 14 min at 224 x 224.
MAX_PICTURE_BYTES = 2**30


class Picture:
    """Grey frames on the grid of 25 fps that starts with the first frame of the video.

    Each point of the grid shows the frame nearest to it in presentation time, so that frames are
    repeated or left out as the rate demands; only those shown are converted. `num_frames` counts
    those of the grid so far, `frames` has those that were not taken away.
    """

    def __init__(self) -> None:
        self.frames: list[UInt8[np.ndarray, "h w"]] = []
        self.num_frames = 0
        self.start_seconds = 0.0
        self._shape: tuple[int, ...] | None = None
        self._decoded = 0
        self._last: av.VideoFrame | None = None
        self._last_seconds = 0.0
        # Kept, because setting up the conversion costs four times as much as converting a frame.
        self._reformatter = VideoReformatter()

    def add(self, frame: av.VideoFrame) -> None:
        """The next frame in presentation order."""
        seconds = frame.time
        if seconds is None:
            raise Reject("undecodable", f"video frame {self._decoded} has no presentation time")
        if self._last is None:
            self.start_seconds = seconds
        else:
            if seconds - self._last_seconds > MAX_GAP_SECONDS:
                raise _jump("video", self._last_seconds, seconds)
            self._show_last(until_seconds=(self._last_seconds + seconds) / 2)
        self._last, self._last_seconds = frame, seconds
        self._decoded += 1

    def finish(self) -> None:
        """Shows the last frame for as long as it lasts; half a tick more or less is rounded."""
        if self._last is not None:
            end_seconds = self._last_seconds + self._last_frame_seconds()
            self._show_last(until_seconds=end_seconds - 0.5 / FRAMES_PER_SECOND + 1e-6)

    def take(self) -> list[UInt8[np.ndarray, "h w"]]:
        """The frames since the last call. Taken as they come, a film of any length can be read."""
        taken, self.frames = self.frames, []
        return taken

    @property
    def frames_per_second(self) -> float:
        """The mean rate of the frames that were decoded, from their times."""
        seconds = self._last_seconds - self.start_seconds
        return (self._decoded - 1) / seconds if seconds > 0 else 0.0

    def _last_frame_seconds(self) -> float:
        assert self._last is not None
        # Some containers state no duration, or the one of a nominal rate that the times belie.
        stated = float((self._last.duration or 0) * (self._last.time_base or 0))
        return max(stated, 1 / (self.frames_per_second or FRAMES_PER_SECOND))

    def _show_last(self, *, until_seconds: float) -> None:
        grey = None
        while self.start_seconds + self.num_frames / FRAMES_PER_SECOND < until_seconds:
            grey = self._grey() if grey is None else grey
            self._shape = self._shape or grey.shape
            if grey.shape != self._shape:
                raise Reject(
                    "undecodable",
                    f"the picture changes its size from {self._shape} to {grey.shape}",
                )
            if (len(self.frames) + 1) * grey.size > MAX_PICTURE_BYTES:
                raise Reject(
                    "too_long",
                    f"more than {len(self.frames) / FRAMES_PER_SECOND:.0f} s of "
                    f"{grey.shape[1]} x {grey.shape[0]} pixels; cut or scale the file",
                )
            self.frames.append(grey)
            self.num_frames += 1

    def _grey(self) -> UInt8[np.ndarray, "h w"]:
        assert self._last is not None
        if has_brightness_plane(self._last):
            grey = grey_of_brightness(self._last)
        else:
            grey = self._reformatter.reformat(self._last, format="gray").to_ndarray()
        # How far to turn anticlockwise before showing, from the display matrix. What follows
        # needs rows that lie next to one another in memory, which neither FFmpeg's padded rows
        # nor a turned view do.
        return np.ascontiguousarray(np.rot90(grey, round(self._last.rotation / 90)))


def has_brightness_plane(frame: av.VideoFrame) -> bool:
    """Whether bytes that lie by themselves, row after row, say how bright each pixel is, as in what
    codecs for films give."""
    brightness = frame.format.components[0]
    is_apart = frame.format.is_planar and brightness.is_luma and brightness.bits == 8
    return is_apart and frame.planes[0].line_size >= frame.width  # below zero, rows are upside down


def grey_of_brightness(frame: av.VideoFrame) -> UInt8[np.ndarray, "h w"]:
    """What FFmpeg makes grey of such a frame, in a third of its time."""
    plane = frame.planes[0]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    grey = np.empty((frame.height, frame.width), np.uint8)
    _look_up(rows, _grey_levels(frame.format.name, frame.color_range, frame.colorspace), grey)
    return grey


@functools.lru_cache
def _grey_levels(format: str, color_range: int, colorspace: int) -> UInt8[np.ndarray, "256"]:
    """The grey that FFmpeg makes of each level of brightness: of a frame that shows them all."""
    ramp = av.VideoFrame(256, 2, format)
    ramp.color_range, ramp.colorspace = color_range, colorspace
    for number, plane in enumerate(ramp.planes):
        levels = np.full((plane.height, plane.line_size), 128, np.uint8)
        if number == 0:
            levels[:, :256] = np.arange(256)
        plane.update(levels.tobytes())
    return VideoReformatter().reformat(ramp, format="gray").to_ndarray()[0]


# Compiled, and without type checks, which compilation does not know.
@njit(cache=True)
@no_type_check
def _look_up(rows, levels, grey):
    """`levels` at what the rows say; they may be longer than those of `grey`."""
    for y in range(grey.shape[0]):
        for x in range(grey.shape[1]):
            grey[y, x] = levels[rows[y, x]]


class Sound:
    """Mono sound, gaps in its timestamps filled with silence; kept at 16 kHz in 16 bits alone.

    `num_samples` counts at the rate of the file, `sample_rate`.
    """

    def __init__(self) -> None:
        self.start_seconds = 0.0
        self.sample_rate = 0
        self.num_samples = 0
        self.filled_gap_seconds = 0.0
        # Resampled as it comes, for an hour in 32 bits at 48 kHz would be 0.7 GB; but some pieces
        # of 25 ms at a time, for one costs nearly as much as forty.
        self._resampler: soxr.ResampleStream | None = None
        self._waiting: list[Float32[np.ndarray, " s"]] = []
        self._num_waiting = 0
        self._resampled: list[Int16[np.ndarray, " s"]] = []

    def add(self, frame: av.AudioFrame) -> None:
        """The next piece of sound."""
        piece = _mono(frame)
        if self._resampler is None:
            self.start_seconds, self.sample_rate = frame.time or 0.0, frame.sample_rate
            self._resampler = soxr.ResampleStream(
                self.sample_rate, SAMPLE_RATE, num_channels=1, dtype="float32", quality="HQ"
            )
        if frame.sample_rate != self.sample_rate:
            raise Reject(
                "undecodable",
                f"the sample rate changes from {self.sample_rate} to {frame.sample_rate} Hz",
            )
        end_seconds = self.start_seconds + self.num_samples / self.sample_rate
        late_seconds = 0.0 if frame.time is None else frame.time - end_seconds
        if late_seconds > MAX_GAP_SECONDS:
            raise _jump("audio", end_seconds, end_seconds + late_seconds)
        late_samples = round(late_seconds * self.sample_rate)
        if late_seconds > MAX_TIME_WOBBLE_SECONDS:
            self.filled_gap_seconds += late_seconds
            self._append(np.zeros(late_samples, np.float32))
        elif late_seconds < -MAX_TIME_WOBBLE_SECONDS:
            piece = piece[-late_samples:]  # what was already heard
        self._append(piece)

    def finish(self) -> Int16[np.ndarray, " s"]:
        """All of it, at 16 kHz; nothing can be added any more."""
        if self._resampler is None:
            return np.zeros(0, np.int16)
        self._resample(last=True)
        return np.concatenate(self._resampled)

    def _append(self, piece: Float32[np.ndarray, " s"]) -> None:
        self._waiting.append(piece)
        self._num_waiting += len(piece)
        self.num_samples += len(piece)
        if self._num_waiting >= self.sample_rate:
            self._resample(last=False)

    def _resample(self, *, last: bool) -> None:
        """What waits; with the `last` of it, what the resampler holds back as well."""
        assert self._resampler is not None
        waiting = np.concatenate([np.zeros(0, np.float32), *self._waiting])
        self._resampled.append(_as_int16(self._resampler.resample_chunk(waiting, last=last)))
        self._waiting, self._num_waiting = [], 0


def _as_int16(samples: Float32[np.ndarray, " s"]) -> Int16[np.ndarray, " s"]:
    largest = np.iinfo(np.int16).max
    return np.clip(np.round(samples * INT16_SCALE), -INT16_SCALE, largest).astype(np.int16)


def _mono(frame: av.AudioFrame) -> Float32[np.ndarray, " s"]:
    """The mean of the channels in [-1, 1], whatever the sample format."""
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    scale = 1.0
    if samples.dtype == np.uint8:  # 128 is zero
        samples, scale = samples.astype(np.int16) - 128, 128.0
    elif np.issubdtype(samples.dtype, np.integer):
        scale = 2.0 ** (8 * samples.dtype.itemsize - 1)
    return (samples.mean(axis=0, dtype=np.float64) / scale).astype(np.float32)


def _jump(stream: str, from_seconds: float, to_seconds: float) -> Reject:
    return Reject(
        "undecodable",
        f"the times of the {stream} stream jump from {from_seconds:.2f} to {to_seconds:.2f} s",
    )
