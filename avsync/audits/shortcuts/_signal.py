"""What several shortcuts measure of a waveform; amplitudes are in parts of full scale."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int16
from numpy.lib.stride_tricks import sliding_window_view

from avsync.pp.silence import SILENCE_LEVEL
from avsync.units import INT16_SCALE, SAMPLE_RATE

# 20 ms: short against a syllable, long against a period of the voice.
WINDOW_SAMPLES = SAMPLE_RATE // 50

SPECTRUM_SAMPLES = 512

# Below one step of 16 bits: the level of digital silence.
SILENCE_DB = -120.0


def decibels(power: Float[np.ndarray, "*any"]) -> Float[np.ndarray, "*any"]:
    """Power, a square of amplitude, in dB; not below `SILENCE_DB`."""
    return 10 * np.log10(np.maximum(power, 10 ** (SILENCE_DB / 10)))


def unit_scale(waveform: Int16[np.ndarray, " s"]) -> Float[np.ndarray, " s"]:
    """Samples in [-1, 1)."""
    return waveform.astype(np.float64) / INT16_SCALE


def sounding(waveform: Int16[np.ndarray, " s"]) -> slice:
    """From the first to the last sample that is louder than trimming takes for silence.

    Of a silent waveform it is the empty stretch at its end.
    """
    loud = np.flatnonzero(np.abs(waveform.astype(np.int32)) > SILENCE_LEVEL)
    if not len(loud):
        return slice(len(waveform), len(waveform))
    return slice(int(loud[0]), int(loud[-1]) + 1)


def window_levels(waveform: Int16[np.ndarray, " s"]) -> Float[np.ndarray, " w"]:
    """Level in dB of each 20 ms that holds any sound; digital silence is not noise of a room."""
    whole = len(waveform) // WINDOW_SAMPLES * WINDOW_SAMPLES
    windows = unit_scale(waveform[:whole]).reshape(-1, WINDOW_SAMPLES)
    power = np.square(windows).mean(axis=1)
    return decibels(power[power > 0])


class Spectrum(NamedTuple):
    """Mean power of each frequency."""

    hertz: Float[np.ndarray, " f"]
    power: Float[np.ndarray, " f"]


def spectrum(waveform: Int16[np.ndarray, " s"]) -> Spectrum:
    """Mean power spectrum in Hann windows of 32 ms that overlap by half (Welch).

    scipy.signal.welch computes the same, a window a call, in seven times as long.
    """
    padded = np.pad(unit_scale(waveform), (0, max(0, SPECTRUM_SAMPLES - len(waveform))))
    windows = sliding_window_view(padded, SPECTRUM_SAMPLES)[:: SPECTRUM_SAMPLES // 2]
    power = np.square(np.abs(np.fft.rfft(windows * np.hanning(SPECTRUM_SAMPLES + 1)[:-1])))
    return Spectrum(np.fft.rfftfreq(SPECTRUM_SAMPLES, 1 / SAMPLE_RATE), power.mean(axis=0))
