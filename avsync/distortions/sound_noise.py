"""Other sounds beside the speech; the strength is the signal-to-noise ratio over the whole clip."""

import numpy as np
from jaxtyping import Float, Int16

from avsync.distortions.base import Distortion, rms, to_samples

Samples = Int16[np.ndarray, " s"]

NUM_VOICES = 6


def white_noise(waveform: Samples, strength: float, rng: np.random.Generator) -> Samples:
    """Noise with the same power at each frequency."""
    return _add(waveform, rng.standard_normal(len(waveform)), strength)


def pink_noise(waveform: Samples, strength: float, rng: np.random.Generator) -> Samples:
    """Noise whose power falls by 3 dB an octave."""
    spectrum = np.fft.rfft(rng.standard_normal(len(waveform)))
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 1))
    return _add(waveform, np.fft.irfft(spectrum, len(waveform)), strength)


def babble(waveform: Samples, strength: float, rng: np.random.Generator) -> Samples:
    """Six voices at once: the clip's own sound, backwards, each from a moment that is drawn.

    So no other clip is needed, and the babble has the spectrum and the rhythm of speech, but none
    of the words.
    """
    backwards = waveform[::-1].astype(np.float64)
    voices = [np.roll(backwards, rng.integers(len(waveform))) for _ in range(NUM_VOICES)]
    return _add(waveform, np.sum(voices, axis=0), strength)


def _add(waveform: Samples, noise: Float[np.ndarray, " s"], snr_db: float) -> Samples:
    level = rms(waveform) * 10 ** (-snr_db / 20)
    return to_samples(waveform + noise * level / max(float(np.std(noise)), 1e-9))


DISTORTIONS = {
    "white_noise": Distortion("audio", "white noise", "dB SNR", (-30, 60), white_noise),
    "pink_noise": Distortion("audio", "pink noise", "dB SNR", (-30, 60), pink_noise),
    "babble": Distortion("audio", "babble", "dB SNR", (-30, 60), babble),
}
