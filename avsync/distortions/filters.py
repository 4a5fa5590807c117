"""Bands of frequencies that are missing, and rooms; filters without phase, so without delay."""

import numpy as np
from jaxtyping import Int16
from scipy import signal

from avsync.distortions.base import Distortion, rms, to_samples
from avsync.units import SAMPLE_RATE

Samples = Int16[np.ndarray, " s"]

# Applied forwards and backwards: 48 dB an octave.
ORDER = 4

# Reflections begin this long after the direct sound, and hold as much energy as it does.
FIRST_REFLECTION_SECONDS = 0.003


def low_pass(waveform: Samples, strength: float, rng: np.random.Generator) -> Samples:
    """Frequencies up to this one."""
    del rng
    return band(waveform, low_hertz=None, high_hertz=strength)


def high_pass(waveform: Samples, strength: float, rng: np.random.Generator) -> Samples:
    """Frequencies from this one on."""
    del rng
    return band(waveform, low_hertz=strength, high_hertz=None)


def low_rate(waveform: Samples, strength: float, rng: np.random.Generator) -> Samples:
    """Sampled at this rate, and back."""
    del rng
    rate = round(strength)
    low = signal.resample_poly(waveform.astype(np.float64), rate, SAMPLE_RATE)
    return to_samples(signal.resample_poly(low, SAMPLE_RATE, rate)[: len(waveform)])


def reverberation(waveform: Samples, strength: float, rng: np.random.Generator) -> Samples:
    """Reflections that fall by 60 dB in this many seconds, as loud together as the direct sound.

    They are noise that decays exponentially (Moorer, Computer Music Journal 1979); the direct
    sound stays where it was, and the level of the clip too.
    """
    time = np.arange(round(SAMPLE_RATE * strength)) / SAMPLE_RATE
    tail = rng.standard_normal(len(time)) * 10 ** (-3 * time / strength)
    tail[time < FIRST_REFLECTION_SECONDS] = 0
    tail /= np.sqrt(np.sum(np.square(tail)))
    reflected = signal.fftconvolve(waveform.astype(np.float64), tail)[: len(waveform)]
    heard = waveform + reflected
    return to_samples(heard * rms(waveform) / rms(heard))


def band(waveform: Samples, *, low_hertz: float | None, high_hertz: float | None) -> Samples:
    """The sound between two frequencies, either of them None for no limit."""
    edges = {"lowpass": high_hertz, "highpass": low_hertz}
    heard = waveform.astype(np.float64)
    for kind, edge in edges.items():
        if edge is not None:
            sections = signal.butter(ORDER, edge, kind, fs=SAMPLE_RATE, output="sos")
            heard = signal.sosfiltfilt(sections, heard)
    return to_samples(heard)


DISTORTIONS = {
    "low_pass": Distortion("audio", "low-pass", "up to Hz", (200, 7_900), low_pass),
    "high_pass": Distortion("audio", "high-pass", "from Hz", (20, 6_000), high_pass),
    "low_rate": Distortion("audio", "low sampling rate", "Hz", (1_000, 16_000), low_rate),
    "reverberation": Distortion("audio", "reverberation", "s to -60 dB", (0.05, 10), reverberation),
}
