"""Decoded video and audio on fixed clocks: images at 25 fps, mono samples at 16 kHz.

Each decoded piece is placed by its timestamp.
"""

import functools
import math
from typing import no_type_check

import av
import numpy as np
import soxr
from av.video.reformatter import VideoReformatter
from jaxtyping import Float32, Int16, UInt8
from numba import njit

from avsync.media.rejects import Reject
from avsync.units import FRAMES_PER_SECOND, INT16_SCALE, SAMPLE_RATE

# Containers round timestamps to as little as a millisecond, and encoders let them jitter. A jump
# between pieces of audio of less than half a video frame is jitter, a larger one a gap or overlap.
MAX_JITTER_SECONDS = 0.5 / FRAMES_PER_SECOND

# A stream with a longer gap has broken timestamps.
MAX_GAP_SECONDS = 10.0

RESAMPLER_QUALITY = "HQ"  # of soxr

Image = UInt8[np.ndarray, "h w *channels"]


class GreyImages:
    """Converts decoded frames to grey images."""

    def __init__(self) -> None:
        # Reused: setting up the conversion costs four times as much as converting a frame.
        self._reformatter = VideoReformatter()

    def __call__(self, frame: av.VideoFrame) -> UInt8[np.ndarray, "h w"]:
        if has_luma_plane(frame):
            return grey_from_luma(frame)
        return self._reformatter.reformat(frame, format="gray").to_ndarray()


class ColourImages:
    """Converts decoded frames to images with the channels red, green, blue."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def __call__(self, frame: av.VideoFrame) -> UInt8[np.ndarray, "h w 3"]:
        return self._reformatter.reformat(frame, format="rgb24").to_ndarray()


class FrameGrid:
    """Resamples a video stream to images on a 25 fps grid that starts at its first frame.

    Each grid point takes the frame nearest in presentation time, so frames are repeated or dropped
    as the rate requires; only frames that are used are converted. `num_frames` counts the grid
    frames so far. More than `max_bytes` of them are rejected.
    """

    def __init__(self, convert: GreyImages | ColourImages, *, max_bytes: int | None = None) -> None:
        self.num_frames = 0
        self.start_seconds = 0.0
        self.shape: tuple[int, ...] = ()  # (height, width), once there is a grid frame
        self._convert = convert
        self._max_bytes = max_bytes
        self._num_decoded = 0
        self._last: av.VideoFrame | None = None
        self._last_seconds = 0.0

    def add(self, frame: av.VideoFrame) -> list[Image]:
        """Takes the next frame in presentation order; returns the grid frames now complete."""
        seconds = frame.time
        if seconds is None:
            raise Reject("undecodable", f"video frame {self._num_decoded} has no presentation time")
        grid_frames = []
        if self._last is None:
            self.start_seconds = seconds
        else:
            if seconds - self._last_seconds > MAX_GAP_SECONDS:
                raise _jump("video", self._last_seconds, seconds)
            grid_frames = self._repeat_last(until_seconds=(self._last_seconds + seconds) / 2)
        self._last, self._last_seconds = frame, seconds
        self._num_decoded += 1
        return grid_frames

    def finish(self) -> list[Image]:
        """Returns the grid frames of the last frame, whose duration is rounded to the grid."""
        if self._last is None:
            return []
        end_seconds = self._last_seconds + self._last_frame_seconds()
        return self._repeat_last(until_seconds=end_seconds - 0.5 / FRAMES_PER_SECOND + 1e-6)

    @property
    def frames_per_second(self) -> float:
        """The mean rate of the decoded frames, from their timestamps."""
        seconds = self._last_seconds - self.start_seconds
        return (self._num_decoded - 1) / seconds if seconds > 0 else 0.0

    def _last_frame_seconds(self) -> float:
        assert self._last is not None
        # Some containers state no duration, or that of a nominal rate the timestamps contradict.
        stated = float((self._last.duration or 0) * (self._last.time_base or 0))
        return max(stated, 1 / (self.frames_per_second or FRAMES_PER_SECOND))

    def _repeat_last(self, *, until_seconds: float) -> list[Image]:
        images: list[Image] = []
        image = None
        while self.start_seconds + self.num_frames / FRAMES_PER_SECOND < until_seconds:
            image = self._upright() if image is None else image
            height, width = image.shape[:2]
            self.shape = self.shape or (height, width)
            if (height, width) != self.shape:
                raise Reject(
                    "undecodable",
                    f"the frame size changes from {self.shape} to {(height, width)}",
                )
            if self._max_bytes and (self.num_frames + 1) * image.size > self._max_bytes:
                raise Reject(
                    "too_long",
                    f"more than {self.num_frames / FRAMES_PER_SECOND:.0f} s of "
                    f"{width} x {height} pixels; cut or scale the file",
                )
            images.append(image)
            self.num_frames += 1
        return images

    def _upright(self) -> Image:
        assert self._last is not None
        # The display matrix states the rotation in degrees, anticlockwise. Later stages need
        # contiguous rows, which neither FFmpeg's padded rows nor a rotated view have.
        turns = round(self._last.rotation / 90)
        return np.ascontiguousarray(np.rot90(self._convert(self._last), turns))


def has_luma_plane(frame: av.VideoFrame) -> bool:
    """Return whether luma is a separate plane with 8 bits per pixel, as in most video codecs."""
    luma = frame.format.components[0]
    is_plane = frame.format.is_planar and luma.is_luma and luma.bits == 8
    return is_plane and frame.planes[0].line_size >= frame.width  # negative: rows are upside down


def grey_from_luma(frame: av.VideoFrame) -> UInt8[np.ndarray, "h w"]:
    """Return FFmpeg's grey version of a frame with a luma plane, in a third of FFmpeg's time."""
    plane = frame.planes[0]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    grey = np.empty((frame.height, frame.width), np.uint8)
    _look_up(rows, _grey_levels(frame.format.name, frame.color_range, frame.colorspace), grey)
    return grey


@functools.lru_cache
def _grey_levels(format: str, color_range: int, colorspace: int) -> UInt8[np.ndarray, "256"]:
    """FFmpeg's grey level for each luma level, read off a frame that holds all of them."""
    ramp = av.VideoFrame(256, 2, format)
    ramp.color_range, ramp.colorspace = color_range, colorspace
    for number, plane in enumerate(ramp.planes):
        levels = np.full((plane.height, plane.line_size), 128, np.uint8)
        if number == 0:
            levels[:, :256] = np.arange(256)
        plane.update(levels.tobytes())
    return VideoReformatter().reformat(ramp, format="gray").to_ndarray()[0]


# Compiled by numba, which knows no type checks.
@njit(cache=True)
@no_type_check
def _look_up(rows, levels, grey):
    """Fills `grey` with `levels[rows]`; rows may be padded to more than the width of `grey`."""
    for y in range(grey.shape[0]):
        for x in range(grey.shape[1]):
            grey[y, x] = levels[rows[y, x]]


class MonoAudio:
    """Resamples an audio stream to mono 16-bit samples at 16 kHz; gaps become silence.

    `num_samples` counts at the file's own rate, `sample_rate`.
    """

    def __init__(self, *, max_seconds: float = math.inf) -> None:
        self._max_seconds = max_seconds
        self.start_seconds = 0.0
        self.sample_rate = 0
        self.num_samples = 0
        self.filled_gap_seconds = 0.0
        # Resampled on the fly: an hour of float32 at 48 kHz would be 0.7 GB. Some pieces of 25 ms
        # at a time, because resampling one costs nearly as much as forty.
        self._resampler: soxr.ResampleStream | None = None
        self._waiting: list[Float32[np.ndarray, " s"]] = []
        self._num_waiting = 0
        self._resampled: list[Int16[np.ndarray, " s"]] = []

    def add(self, frame: av.AudioFrame) -> None:
        """Takes the next piece of audio."""
        piece = _mono(frame)
        if self._resampler is None:
            self.start_seconds, self.sample_rate = frame.time or 0.0, frame.sample_rate
            self._resampler = soxr.ResampleStream(
                self.sample_rate,
                SAMPLE_RATE,
                num_channels=1,
                dtype="float32",
                quality=RESAMPLER_QUALITY,
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
        # Before the gap is filled: at 16 kHz, an hour is 115 MB, whatever rate the file states.
        new_seconds = max(late_seconds, 0.0) + len(piece) / self.sample_rate
        require_length(self.num_samples / self.sample_rate + new_seconds, self._max_seconds)
        late_samples = round(late_seconds * self.sample_rate)
        if late_seconds > MAX_JITTER_SECONDS:
            self.filled_gap_seconds += late_seconds
            self._append(np.zeros(late_samples, np.float32))
        elif late_seconds < -MAX_JITTER_SECONDS:
            piece = piece[-late_samples:]  # drops the overlap with the audio before
        self._append(piece)

    def finish(self) -> Int16[np.ndarray, " s"]:
        """Returns all samples at 16 kHz; nothing can be added afterwards."""
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
        """Resamples the waiting pieces; the `last` call also flushes the resampler."""
        assert self._resampler is not None
        waiting = np.concatenate([np.zeros(0, np.float32), *self._waiting])
        self._resampled.append(_as_int16(self._resampler.resample_chunk(waiting, last=last)))
        self._waiting, self._num_waiting = [], 0


def _as_int16(samples: Float32[np.ndarray, " s"]) -> Int16[np.ndarray, " s"]:
    largest = np.iinfo(np.int16).max
    return np.clip(np.round(samples * INT16_SCALE), -INT16_SCALE, largest).astype(np.int16)


def _mono(frame: av.AudioFrame) -> Float32[np.ndarray, " s"]:
    """The mean of the channels in [-1, 1], for any sample format."""
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    scale = 1.0
    if samples.dtype == np.uint8:  # 128 is zero
        samples, scale = samples.astype(np.int16) - 128, 128.0
    elif np.issubdtype(samples.dtype, np.integer):
        scale = 2.0 ** (8 * samples.dtype.itemsize - 1)
    return (samples.mean(axis=0, dtype=np.float64) / scale).astype(np.float32)


def require_length(seconds: float, max_seconds: float) -> None:
    """Raises `Reject` if a stream is longer than `max_seconds`."""
    if seconds > max_seconds:
        raise Reject(
            "too_long",
            f"longer than {max_seconds / 3600:g} h by its timestamps or samples; cut the file, or "
            "allow more hours",
        )


def _jump(stream: str, from_seconds: float, to_seconds: float) -> Reject:
    return Reject(
        "undecodable",
        f"the {stream} timestamps jump from {from_seconds:.2f} to {to_seconds:.2f} s",
    )
