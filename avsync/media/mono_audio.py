"""An audio stream as mono samples at 16 kHz, each piece placed by its timestamp."""

import math

import av
import numpy as np
import soxr
from jaxtyping import Float32, Int16

from avsync.media.rejects import Reject
from avsync.units import FRAMES_PER_SECOND, INT16_SCALE, SAMPLE_RATE

# Containers round timestamps to as little as a millisecond, and encoders let them jitter. A jump
# between pieces of audio of less than half a video frame is jitter, a larger one a gap or overlap.
MAX_JITTER_SECONDS = 0.5 / FRAMES_PER_SECOND

# A stream with a longer gap has broken timestamps.
MAX_GAP_SECONDS = 10.0

RESAMPLER_QUALITY = "HQ"  # of soxr


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
            raise Reject(
                "undecodable",
                f"the audio timestamps jump from {end_seconds:.2f} to "
                f"{end_seconds + late_seconds:.2f} s",
            )
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


def require_length(seconds: float, max_seconds: float) -> None:
    """Raises `Reject` if a stream is longer than `max_seconds`."""
    if seconds > max_seconds:
        raise Reject(
            "too_long",
            f"longer than {max_seconds / 3600:g} h by its timestamps or samples; cut the file, or "
            "allow more hours",
        )


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
