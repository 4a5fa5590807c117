"""Compressed sound: three codecs at low bit rates, and telephones."""

import numpy as np
from jaxtyping import Int16

from avsync.distortions._coding import code_samples
from avsync.distortions.base import INT16_PEAK, Distortion, to_samples
from avsync.distortions.filters import band

Samples = Int16[np.ndarray, " s"]

TELEPHONE_LOW_HERTZ = 300.0

MU = 255  # of the mu-law (ITU-T G.711)


def mp3(waveform: Samples, strength: float, rng: np.random.Generator) -> Samples:
    """MP3 at this bit rate."""
    del rng
    rate = round(1_000 * strength)
    return code_samples(waveform, encoder="libmp3lame", decoder="mp3", bits_per_second=rate)


def aac(waveform: Samples, strength: float, rng: np.random.Generator) -> Samples:
    """AAC-LC at this bit rate."""
    del rng
    rate = round(1_000 * strength)
    return code_samples(waveform, encoder="aac", decoder="aac", bits_per_second=rate)


def opus(waveform: Samples, strength: float, rng: np.random.Generator) -> Samples:
    """Opus at this bit rate, as in calls over the internet."""
    del rng
    rate = round(1_000 * strength)
    return code_samples(waveform, encoder="libopus", decoder="libopus", bits_per_second=rate)


def telephone(waveform: Samples, strength: float, rng: np.random.Generator) -> Samples:
    """From 300 Hz to this frequency, in the 8 bits of the mu-law."""
    heard = band(waveform, low_hertz=TELEPHONE_LOW_HERTZ, high_hertz=strength)
    return mu_law(heard, 8.0, rng)


def mu_law(waveform: Samples, strength: float, rng: np.random.Generator) -> Samples:
    """This many bits, quantised logarithmically."""
    del rng
    levels = 2 ** (round(strength) - 1) - 1
    share = waveform / INT16_PEAK
    compressed = np.sign(share) * np.log1p(MU * np.abs(share)) / np.log1p(MU)
    steps = np.rint(compressed * levels) / levels
    return to_samples(INT16_PEAK * np.sign(steps) * np.expm1(np.abs(steps) * np.log1p(MU)) / MU)


DISTORTIONS = {
    "mp3": Distortion("audio", "MP3", "kb/s", (8, 160), mp3),
    "aac": Distortion("audio", "AAC", "kb/s", (6, 160), aac),
    "opus": Distortion("audio", "Opus", "kb/s", (6, 128), opus),
    "telephone": Distortion("audio", "telephone", "up to Hz", (600, 7_900), telephone),
    "mu_law": Distortion("audio", "mu-law", "bits", (2, 12), mu_law),
}
