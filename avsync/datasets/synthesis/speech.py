"""From articulation to sound: a source of pulses and hiss, filtered by the moving vocal tract.

A source-filter synthesiser after Klatt (1980): formants in cascade for oral sound, a low murmur for
nasal sound, and one broad resonance per hiss.
"""

import numpy as np
from jaxtyping import Int16

from avsync.datasets.synthesis.articulation import STEPS_PER_SECOND, Articulation
from avsync.datasets.synthesis.talker import Voice
from avsync.units import INT16_SCALE, SAMPLE_RATE

HOP = SAMPLE_RATE // STEPS_PER_SECOND  # 80 samples: the tract is constant within a step of 5 ms

# The response to a step lasts 5 more steps, 25 ms, by when a resonance 60 Hz wide has decayed.
RESPONSE_HOPS = 6

BANDWIDTHS_HERTZ = (70, 95, 140, 220, 320)

# The first millisecond is faded in, as recorders do to avoid a click. So the first sample of every
# recording is zero, and trimming cuts one frame from real clips as it does from fakes.
FADE_SAMPLES = SAMPLE_RATE // 1000


def speak(
    articulation: Articulation, voice: Voice, rng: np.random.Generator
) -> Int16[np.ndarray, " s"]:
    """The sound of an articulation, `HOP` samples per step, with room noise."""
    hertz = np.fft.rfftfreq(RESPONSE_HOPS * HOP, 1 / SAMPLE_RATE).astype(np.float32)
    through_mouth = _tract(_formants(articulation, voice), hertz)
    murmur = _tract(np.array([[250 * voice.tract_scale]]), hertz)
    hiss_hertz = _column(articulation.noise_hertz)
    hissing = 1 / (1 + ((hertz - hiss_hertz) / (0.3 * hiss_hertz)) ** 2)

    # A smaller opening radiates less sound, but not much less: speakers compensate.
    oral = articulation.oral * (0.3 + 0.7 * np.sqrt(articulation.aperture))
    voiced = articulation.voicing * articulation.stress
    nasal = voiced * (0.12 + 0.18 * articulation.nasal)
    whisper = voice.breathiness * voiced + 0.15 * articulation.noise * (articulation.jaw + 0.1)
    pulses = _spectra(_pulses(articulation, voice, rng))
    hiss = _spectra(rng.normal(size=len(voiced) * HOP))
    spectra = through_mouth * (pulses * _column(voiced * oral) + hiss * _column(whisper * oral))
    spectra += murmur * (pulses * _column(nasal))
    spectra += hissing * (hiss * _column(0.22 * articulation.noise))
    return _record(_overlap_add(np.fft.irfft(spectra, axis=-1)), voice, rng)


def _column(trajectory: np.ndarray) -> np.ndarray:
    return trajectory[:, None].astype(np.float32)  # float64 would take twice the time


def _pulses(articulation: Articulation, voice: Voice, rng: np.random.Generator) -> np.ndarray:
    """Glottal pulses [s]: the flow of Klatt & Klatt (1990), t² - t³, differentiated.

    The glottis is open for 0.6 of a period.
    """
    num_steps = len(articulation.pitch)
    # Jitter: no two periods of a voice are equally long.
    hertz = voice.pitch_hertz * articulation.pitch * (1 + 0.015 * rng.normal(size=num_steps))
    hertz = np.interp(np.arange(num_steps * HOP) / HOP, np.arange(num_steps), hertz)
    phase = np.cumsum(hertz / SAMPLE_RATE) % 1
    opened = phase / 0.6
    return np.where(opened < 1, 2 * opened - 3 * opened**2, 0.0)


def _formants(articulation: Articulation, voice: Voice) -> np.ndarray:
    """Formant frequencies [n 5] in hertz, from the shape of the tract."""
    jaw, front, closure = articulation.jaw, articulation.front, articulation.closure
    rounding = np.clip(-articulation.spread, 0, 1)
    first = 260 + 520 * jaw + 60 * (1 - front)
    second = 900 + 1400 * front * (1 - 0.25 * jaw) - 220 * rounding
    # Closing lips lower the formants: the labial locus.
    first += closure * (220 - first)
    second += 0.6 * closure * (800 - second)
    third = 2400 + 450 * front**2 - 250 * rounding
    fixed = np.ones_like(jaw)
    return voice.tract_scale * np.stack([first, second, third, 3500 * fixed, 4500 * fixed], axis=1)


def _tract(formants: np.ndarray, hertz: np.ndarray) -> np.ndarray:
    """Response [n f] of cascaded resonators, each with gain 1 at 0 Hz (Klatt 1980, eq. 1-3)."""
    delay = np.exp(-2j * np.pi * hertz / SAMPLE_RATE).astype(np.complex64)
    gain = np.ones((len(formants), 1), np.float32)
    poles = np.ones((len(formants), len(hertz)), np.complex64)
    for centre, bandwidth in zip(formants.T, BANDWIDTHS_HERTZ, strict=False):
        radius = np.exp(-np.pi * bandwidth / SAMPLE_RATE)
        b = 2 * radius * np.cos(2 * np.pi * centre / SAMPLE_RATE)[:, None].astype(np.float32)
        gain *= 1 - b + radius**2
        poles *= 1 - b * delay + radius**2 * delay**2
    return gain / poles


def _spectra(source: np.ndarray) -> np.ndarray:
    """Spectra [n f] of the source in overlapping Hann windows of two hops, one per step."""
    padded = np.pad(source, (0, HOP)).reshape(-1, HOP)
    hann = np.hanning(2 * HOP + 1)[:-1]
    windows = (np.concatenate([padded[:-1], padded[1:]], axis=1) * hann).astype(np.float32)
    return np.fft.rfft(windows, n=RESPONSE_HOPS * HOP, axis=-1)


def _overlap_add(responses: np.ndarray) -> np.ndarray:
    """The overlap-add sum [s] of responses [n RESPONSE_HOPS·HOP], one hop apart."""
    num_steps = len(responses)
    blocks = responses.reshape(num_steps, RESPONSE_HOPS, HOP)
    total = np.zeros((num_steps + RESPONSE_HOPS - 1, HOP))
    for i in range(RESPONSE_HOPS):
        total[i : i + num_steps] += blocks[:, i]
    return total[:num_steps].ravel()


def _record(speech: np.ndarray, voice: Voice, rng: np.random.Generator) -> Int16[np.ndarray, " s"]:
    """Speech at the talker's level with room noise, as recorded in 16 bits."""
    # Speakers approach and turn away: loudness drifts independently of the lips.
    num_knots = 2 + len(speech) // SAMPLE_RATE
    drift_decibels = np.interp(
        np.linspace(0, num_knots - 1, len(speech)),
        np.arange(num_knots),
        rng.normal(0, 2, num_knots),
    )
    level = voice.level * 10 ** (rng.normal(0, 1.5) / 20)
    speech = speech * 10 ** (drift_decibels / 20)
    speech *= level / np.sqrt(np.mean(speech**2))
    sound = speech + voice.noise_level * _room_noise(len(speech), voice.noise_colour, rng)
    sound[:FADE_SAMPLES] *= np.arange(FADE_SAMPLES) / FADE_SAMPLES
    # Soft limiting instead of clipping.
    return np.round(0.98 * (INT16_SCALE - 1) * np.tanh(sound)).astype(np.int16)


def _room_noise(num_samples: int, colour: float, rng: np.random.Generator) -> np.ndarray:
    """Noise of RMS 1 with the spectrum of a one-pole filter; `colour` is the pole, 0 is white."""
    spectrum = np.fft.rfft(rng.normal(size=num_samples))
    angle = np.linspace(0, np.pi, len(spectrum))
    # Zero-phase gain, so that the start is as loud as the rest; a recursive filter would fade in.
    gain = np.sqrt((1 - colour**2) / (1 - 2 * colour * np.cos(angle) + colour**2))
    return np.fft.irfft(spectrum * gain, n=num_samples)
