"""From dry speech to a recording: room, microphone and background noise.

Nothing here moves the sound in time: the direct sound comes at once, and filters are zero-phase.
"""

import numpy as np
from jaxtyping import Float, Int16
from scipy.signal import oaconvolve

from avsync.datasets.synthesis.many.person import Room
from avsync.units import INT16_SCALE, SAMPLE_RATE

# The first millisecond is faded in, so that the first sample of every recording is zero, as it is
# for the other synthetic talkers (speech.py).
FADE_SAMPLES = SAMPLE_RATE // 1000

# Above the rule of leading silence (5e-4 of full scale) in every frame: a quieter room would be
# trimmed until the first word.
MIN_NOISE_RMS = 3e-4

# The reverberation begins after the sound of a near wall.
FIRST_ECHO_SECONDS = 0.003


def record(
    speech: Float[np.ndarray, " s"], room: Room, rng: np.random.Generator
) -> Int16[np.ndarray, " s"]:
    """The recording of `speech`, of any scale, in a room."""
    sound = _reverberated(speech, room, rng)
    spectrum = np.fft.rfft(sound)
    hertz = np.fft.rfftfreq(len(sound), 1 / SAMPLE_RATE)
    sound = np.fft.irfft(spectrum * _microphone(hertz, room), n=len(sound))
    sound *= room.level * 10 ** (rng.normal(0, 1) / 20) / _speech_rms(sound)
    noise_rms = max(room.level * 10 ** (-room.noise_db / 20), MIN_NOISE_RMS)
    sound = sound + noise_rms * _noise(hertz, len(sound), room, rng)
    sound[:FADE_SAMPLES] *= np.arange(FADE_SAMPLES) / FADE_SAMPLES
    # Soft limiting instead of clipping.
    return np.round(0.98 * (INT16_SCALE - 1) * np.tanh(sound)).astype(np.int16)


def _speech_rms(sound: Float[np.ndarray, " s"]) -> float:
    """RMS of the louder half of the frames."""
    power = np.sort((sound[: len(sound) // 640 * 640].reshape(-1, 640) ** 2).mean(axis=1))
    return float(np.sqrt(power[len(power) // 2 :].mean() + 1e-12))


def _reverberated(speech: np.ndarray, room: Room, rng: np.random.Generator) -> np.ndarray:
    """Speech and its reverberation: noise that decays exponentially, `direct` times weaker."""
    seconds = room.reverberation_seconds
    response = rng.normal(size=int(seconds * SAMPLE_RATE))
    response *= 10 ** (-3 * np.linspace(0, 1, len(response)))
    response[: int(FIRST_ECHO_SECONDS * SAMPLE_RATE)] = 0
    response /= room.direct * np.sqrt((response**2).sum())
    return speech + oaconvolve(speech, response)[: len(speech)]


def _microphone(hertz: np.ndarray, room: Room) -> np.ndarray:
    """Gain of the microphone, the same in all clips: a band with smooth edges and ripple."""
    gain = 1 / (1 + (room.low_hertz / np.maximum(hertz, 1)) ** 4)
    if room.high_hertz < 7999:
        gain /= 1 + (hertz / room.high_hertz) ** 16
    octaves = np.log2(np.maximum(hertz, 60) / 60)
    # Three slow waves over frequency, in places that depend on the microphone.
    for cycle in (0.15, 0.35, 0.8):
        phase = 1e4 * room.ripple_db * cycle
        gain *= 10 ** (room.ripple_db / 3 / 20 * np.sin(2 * np.pi * cycle * octaves + phase) * 2)
    return gain


def _noise(hertz: np.ndarray, num_samples: int, room: Room, rng: np.random.Generator) -> np.ndarray:
    """Noise of RMS 1, of which the share `babble` has the spectrum of speech and swells."""
    angle = 2 * np.pi * hertz / SAMPLE_RATE
    pole = room.noise_colour
    rumble = 1 / np.sqrt(1 - 2 * pole * np.cos(angle) + pole**2)
    steady = _coloured(rumble, num_samples, rng)
    crowd = _coloured(1 / (1 + (hertz / 600) ** 2), num_samples, rng)
    knots = 2 + num_samples * 5 // SAMPLE_RATE
    swell = np.exp(0.6 * rng.normal(size=knots))
    crowd *= np.interp(np.linspace(0, knots - 1, num_samples), np.arange(knots), swell)
    noise = (1 - room.babble) * steady + room.babble * crowd
    return noise / np.sqrt(np.mean(noise**2))


def _coloured(gain: np.ndarray, num_samples: int, rng: np.random.Generator) -> np.ndarray:
    """Noise of RMS 1. The filter is zero-phase, so that the start is as loud as the rest."""
    noise = np.fft.irfft(np.fft.rfft(rng.normal(size=num_samples)) * gain, n=num_samples)
    return noise / np.sqrt(np.mean(noise**2))
