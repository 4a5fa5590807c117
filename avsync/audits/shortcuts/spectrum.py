"""The spectrum: its rolloff, the colour of microphone and vocoder, and its upper end.

Generated sound, and sound that was once stored at a lower sample rate, has an upper limit.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int16
from numpy.lib.stride_tricks import sliding_window_view

from avsync.audits.base import AuditedClip, Shortcut
from avsync.audits.shortcuts.level import decibels, unit_scale
from avsync.units import SAMPLE_RATE

WINDOW_SAMPLES = 512

# Speech at 7 kHz is some 50 dB below its strongest band; a resampler's stop band is 100 dB below.
BANDWIDTH_RANGE_DB = 70.0

ROLLOFF_SHARE = 0.95


class Spectrum(NamedTuple):
    """Mean power at each frequency."""

    hertz: Float[np.ndarray, " f"]
    power: Float[np.ndarray, " f"]


def mean_spectrum(waveform: Int16[np.ndarray, " s"]) -> Spectrum:
    """Mean power spectrum of Hann windows of 32 ms with 50% overlap (Welch).

    scipy.signal.welch gives the same numbers, one window per call, and takes seven times as long.
    """
    padded = np.pad(unit_scale(waveform), (0, max(0, WINDOW_SAMPLES - len(waveform))))
    windows = sliding_window_view(padded, WINDOW_SAMPLES)[:: WINDOW_SAMPLES // 2]
    power = np.square(np.abs(np.fft.rfft(windows * np.hanning(WINDOW_SAMPLES + 1)[:-1])))
    return Spectrum(np.fft.rfftfreq(WINDOW_SAMPLES, 1 / SAMPLE_RATE), power.mean(axis=0))


def bandwidth(clip: AuditedClip) -> float | None:
    """Highest frequency within 70 dB of the strongest one; None for digital silence."""
    hertz, power = mean_spectrum(clip.waveform)
    if not power.any():
        return None
    level = decibels(power / power.max())
    return float(hertz[np.flatnonzero(level > -BANDWIDTH_RANGE_DB)[-1]])


def rolloff(clip: AuditedClip) -> float | None:
    """Frequency below which 95% of the power lies; None for digital silence."""
    hertz, power = mean_spectrum(clip.waveform)
    so_far = np.cumsum(power)
    if so_far[-1] == 0:
        return None
    return float(hertz[np.searchsorted(so_far, ROLLOFF_SHARE * so_far[-1])])


SHORTCUTS = {
    "bandwidth": Shortcut("highest frequency within 70 dB of the strongest", "Hz", bandwidth),
    "rolloff": Shortcut("frequency below which 95% of the power lies", "Hz", rolloff),
}
