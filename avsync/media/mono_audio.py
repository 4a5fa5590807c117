"""An audio stream as mono samples at 16 kHz, each piece placed by its timestamp."""

import math
from typing import no_type_check

import av
import numpy as np
import soxr
from jaxtyping import Float32, Int16
from numba import njit

from avsync.media.decoding import RESTART_SECONDS
from avsync.media.rejects import Reject
from avsync.units import FRAMES_PER_SECOND, INT16_SCALE, SAMPLE_RATE

# Containers round timestamps to as little as a millisecond, and encoders let them jitter. A jump
# between pieces of audio of less than half a video frame is jitter, a larger one a gap or overlap.
MAX_JITTER_SECONDS = 0.5 / FRAMES_PER_SECOND

# The power of the mean of n channels, over that of the loudest: 1 if they are equal, 1/n if they
# differ, 1/n^2 if only one has sound, 0 if they cancel. The mean is used if it has this many times
# 1/n^2: with two channels, if the weaker one has a tenth of the power of the other.
MIN_POWER_OF_MEAN = 1.1

# Above this many times full scale, a sample is no sound: a flipped bit makes 1e38 of 1. Its square
# overflows, and its echo in the resampler would last for milliseconds. Whole numbers of 32 bits
# that were stored as floats are below it.
MAX_AMPLITUDE = 2.0**32

RESAMPLER_QUALITY = "HQ"  # of soxr


class MonoAudio:
    """Resamples an audio stream to mono 16-bit samples at 16 kHz; gaps become silence.

    The samples are the mean of the channels, or those of one `channel`, from 1.

    Attributes:
      num_samples, sample_rate: at the rate of the file.
      filled_gap_seconds: the total length of the gaps.
      num_invalid_samples: that were no numbers or beyond `MAX_AMPLITUDE`, and count as 0.
      restarts: True if the timestamps begin again; the sound from there on is left out.
    """

    def __init__(self, *, max_seconds: float = math.inf, channel: int | None = None) -> None:
        self._max_seconds, self._channel = max_seconds, channel
        self.start_seconds = 0.0
        self.sample_rate = 0
        self.num_samples = 0
        self.num_invalid_samples = 0
        self.filled_gap_seconds = 0.0
        self.restarts = False
        self._energies = np.zeros(0)  # of each channel
        self._energy_of_mean = 0.0
        # Resampled on the fly: an hour of float32 at 48 kHz would be 0.7 GB. Some pieces of 25 ms
        # at a time, because resampling one costs nearly as much as forty.
        self._resampler: soxr.ResampleStream | None = None
        self._waiting: list[Float32[np.ndarray, " s"]] = []
        self._num_waiting = 0
        self._resampled: list[Int16[np.ndarray, " s"]] = []

    @property
    def better_channel(self) -> int:
        """The loudest channel, from 1, if the mean is far weaker than it; else 0.

        This is so if channels cancel each other (one is inverted), or if only one has sound.
        """
        loudest = float(self._energies.max(initial=0.0))
        least = MIN_POWER_OF_MEAN * loudest / max(1, len(self._energies)) ** 2
        if len(self._energies) < 2 or self._energy_of_mean >= least:
            return 0
        return int(self._energies.argmax()) + 1

    def add(self, frame: av.AudioFrame) -> None:
        """Takes the next piece of audio."""
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
        self.restarts = self.restarts or late_seconds < -RESTART_SECONDS
        if self.restarts:
            return
        piece = self._mono(frame)
        # Before the gap is filled: at 16 kHz, an hour is 115 MB, whatever rate the file states.
        new_seconds = max(late_seconds, 0.0) + len(piece) / self.sample_rate
        require_length(self.num_samples / self.sample_rate + new_seconds, self._max_seconds)
        late_samples = round(late_seconds * self.sample_rate)
        if late_seconds > MAX_JITTER_SECONDS:
            self.filled_gap_seconds += late_seconds
            self._append_silence(late_samples)
        elif late_seconds < -MAX_JITTER_SECONDS:
            piece = piece[-late_samples:]  # drops the overlap with the audio before
        self._append(piece)

    def finish(self) -> Int16[np.ndarray, " s"]:
        """Returns all samples at 16 kHz; nothing can be added afterwards."""
        if self._resampler is None:
            return np.zeros(0, np.int16)
        self._resample(last=True)
        return np.concatenate(self._resampled)

    def _append_silence(self, num_samples: int) -> None:
        """Appends silence by the second: an hour at 48 kHz would take 0.7 GB at once."""
        for first in range(0, num_samples, self.sample_rate):
            self._append(np.zeros(min(self.sample_rate, num_samples - first), np.float32))

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

    def _mono(self, frame: av.AudioFrame) -> Float32[np.ndarray, " s"]:
        """One channel, or the mean of all, in [-1, 1]."""
        samples, scale = _channels(frame)
        if samples.dtype != np.float32:
            samples = samples.astype(np.float64)
        channel = 0 if self._channel is None else min(self._channel, len(samples))
        mono = np.empty(samples.shape[1], np.float32)
        known = np.zeros(max(len(samples), len(self._energies)))
        known[: len(self._energies)] = self._energies
        self.num_invalid_samples += _mix(samples, scale, channel, mono, known)
        self._energies = known
        self._energy_of_mean += float(np.square(mono).sum(dtype=np.float64))
        return mono


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


def _channels(frame: av.AudioFrame) -> tuple[np.ndarray, float]:
    """The samples [channels s] of any sample format, and the value that stands for 1."""
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    if samples.dtype == np.uint8:  # 128 is zero
        return samples.astype(np.int16) - 128, 128.0
    if np.issubdtype(samples.dtype, np.integer):
        return samples, 2.0 ** (8 * samples.dtype.itemsize - 1)
    return samples, 1.0


# Compiled by numba, which knows no type checks: a file has hundreds of pieces, and NumPy takes
# longer to begin than to compute.
@njit(cache=True, nogil=True)
@no_type_check
def _mix(samples, scale, channel, mono, energies):
    """Fills `mono` with a channel, from 1, or with the mean of all for 0; adds to `energies`.

    What is no sound counts as 0; returns the number of samples with such a value.
    """
    num_channels, num_samples = samples.shape
    num_invalid = 0
    for i in range(num_samples):
        total, is_valid = 0.0, True
        for c in range(num_channels):
            value = np.float64(samples[c, i])
            if not abs(value) <= MAX_AMPLITUDE:
                value, is_valid = 0.0, False
            value /= scale
            energies[c] += value * value
            if channel == 0 or channel == c + 1:
                total += value
        num_invalid += not is_valid
        mono[i] = total if channel else total / num_channels
    return num_invalid
