"""Articulation to sound: a source of pulses and hiss, shaped by the vocal tract as it moves.

A source-filter synthesiser in the manner of Klatt (1980): formants in cascade for what passes the
mouth, a low murmur for what passes the nose, one broad resonance for each hiss.
"""

import numpy as np
from jaxtyping import Int16
from scipy.signal import lfilter

from avsync.synthesis.articulation import STEPS_PER_SECOND, Articulation
from avsync.synthesis.talker import Voice
from avsync.units import INT16_SCALE, SAMPLE_RATE

HOP = SAMPLE_RATE // STEPS_PER_SECOND  # 80 samples: the tract stands still for a step of 5 ms

# A filtered step rings on for 5 more steps, 25 ms: a resonance 60 Hz wide has died away by then.
RESPONSE_HOPS = 6

BANDWIDTHS_HERTZ = (70, 95, 140, 220, 320)

# The first millisecond is faded in, as recorders do against a click. So the first sample of every
# recording is zero and trimming cuts the frame that it lies in from reals as it does from fakes.
FADE_SAMPLES = SAMPLE_RATE // 1000


def speak(
    articulation: Articulation, voice: Voice, rng: np.random.Generator
) -> Int16[np.ndarray, " s"]:
    """The sound of an articulation, `HOP` samples a step, in a room that is never quite silent."""
    num_steps = len(articulation.jaw)
    pulses, hiss = _pulses(articulation, voice, rng), rng.normal(size=num_steps * HOP)
    hertz = np.fft.rfftfreq(RESPONSE_HOPS * HOP, 1 / SAMPLE_RATE)
    through_mouth = _tract(_formants(articulation, voice), hertz)
    murmur = _tract(np.array([[250 * voice.tract_scale]]), hertz)

    # Less comes out of a smaller opening, hence the loudness that the lips can be seen to give.
    oral = articulation.oral * (0.1 + 0.9 * articulation.aperture**0.7)
    voiced = articulation.voicing * articulation.stress
    whisper = voice.breathiness * voiced + 0.15 * articulation.noise * (articulation.jaw + 0.1)
    spectra = _spectra(pulses) * (
        through_mouth * (voiced * oral)[:, None]
        + murmur * (voiced * (0.12 + 0.18 * articulation.nasal))[:, None]
    )
    width = 0.3 * articulation.noise_hertz[:, None]
    hissing = 1 / (1 + ((hertz - articulation.noise_hertz[:, None]) / width) ** 2)
    spectra += _spectra(hiss) * (
        through_mouth * (whisper * oral)[:, None] + 0.12 * hissing * articulation.noise[:, None]
    )
    speech = _overlap_add(np.fft.irfft(spectra, axis=-1))
    return _record(speech, voice, rng)


def _pulses(articulation: Articulation, voice: Voice, rng: np.random.Generator) -> np.ndarray:
    """Glottal pulses [s]: the derivative of Rosenberg's (1971) flow, open for 0.6 of a period."""
    num_samples = len(articulation.pitch) * HOP
    steps = np.arange(num_samples) / HOP
    pitch = voice.pitch_hertz * np.interp(
        steps, np.arange(len(articulation.pitch)), articulation.pitch
    )
    flutter = 1 + 0.01 * lfilter([0.1], [1, -0.99], rng.normal(size=num_samples))
    phase = np.cumsum(pitch * flutter / SAMPLE_RATE) % 1
    opened = phase / 0.6
    return np.where(opened < 1, 2 * opened - 3 * opened**2, 0.0)


def _formants(articulation: Articulation, voice: Voice) -> np.ndarray:
    """Formant frequencies in hertz [n 5], from the shape of the tract."""
    jaw, front, closure = articulation.jaw, articulation.front, articulation.closure
    rounding = np.clip(-articulation.spread, 0, 1)
    first = 260 + 520 * jaw + 60 * (1 - front)
    second = 900 + 1400 * front * (1 - 0.25 * jaw) - 220 * rounding
    # Closing lips pull the formants down: the labial locus.
    first += closure * (220 - first)
    second += 0.6 * closure * (800 - second)
    third = 2400 + 450 * front**2 - 250 * rounding
    fixed = np.ones_like(jaw)
    return voice.tract_scale * np.stack([first, second, third, 3500 * fixed, 4500 * fixed], axis=1)


def _tract(formants: np.ndarray, hertz: np.ndarray) -> np.ndarray:
    """Response [n f] of resonators in cascade, each with gain 1 at 0 Hz (Klatt 1980, eq. 1-3)."""
    delay = np.exp(-2j * np.pi * hertz / SAMPLE_RATE).astype(np.complex64)
    gain, poles = np.float32(1), np.complex64(1)
    for centre, bandwidth in zip(formants.T, BANDWIDTHS_HERTZ, strict=False):
        radius = np.exp(-np.pi * bandwidth / SAMPLE_RATE)
        b = 2 * radius * np.cos(2 * np.pi * centre / SAMPLE_RATE)[:, None].astype(np.float32)
        gain = gain * (1 - b + radius**2)
        poles = poles * (1 - b * delay + radius**2 * delay**2)
    return gain / poles


def _spectra(source: np.ndarray) -> np.ndarray:
    """Spectra [n f] of the source in overlapping bells of two hops, one about each step."""
    padded = np.pad(source, (0, HOP)).reshape(-1, HOP)
    bell = np.hanning(2 * HOP + 1)[:-1]
    pieces = np.concatenate([padded[:-1], padded[1:]], axis=1) * bell
    return np.fft.rfft(pieces, n=RESPONSE_HOPS * HOP, axis=-1)


def _overlap_add(responses: np.ndarray) -> np.ndarray:
    """The sum [s] of responses [n RESPONSE_HOPS·HOP], each one hop after the one before."""
    num_steps = len(responses)
    blocks = responses.reshape(num_steps, RESPONSE_HOPS, HOP)
    total = np.zeros((num_steps + RESPONSE_HOPS - 1, HOP))
    for i in range(RESPONSE_HOPS):
        total[i : i + num_steps] += blocks[:, i]
    return total[:num_steps].ravel()


def _record(speech: np.ndarray, voice: Voice, rng: np.random.Generator) -> Int16[np.ndarray, " s"]:
    """Speech at the talker's level in a noisy room, as a recorder stores it."""
    # Speakers come nearer and turn away: loudness drifts, and no lips show it.
    num_knots = 2 + len(speech) // SAMPLE_RATE
    drift_decibels = np.interp(
        np.linspace(0, num_knots - 1, len(speech)),
        np.arange(num_knots),
        rng.normal(0, 2, num_knots),
    )
    level = voice.level * 10 ** (rng.normal(0, 1.5) / 20)
    speech = speech * 10 ** (drift_decibels / 20)
    speech *= level / np.sqrt(np.mean(speech**2))
    room = lfilter([1.0], [1, -voice.noise_colour], rng.normal(size=len(speech)))
    sound = speech + voice.noise_level * room * np.sqrt(1 - voice.noise_colour**2)
    sound[:FADE_SAMPLES] *= np.arange(FADE_SAMPLES) / FADE_SAMPLES
    # Loud peaks are rounded off rather than clipped.
    return np.round(0.98 * (INT16_SCALE - 1) * np.tanh(sound)).astype(np.int16)
