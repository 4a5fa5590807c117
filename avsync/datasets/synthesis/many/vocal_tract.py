"""From gestures to speech: glottal pulses and noise through the resonances of the vocal tract.

The synthesiser of Klatt (1980), sample by sample: seven formants in cascade, a nasal pole and zero,
and the noise of narrow passages through a resonance of its own.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Float
from numba import njit

from avsync.datasets.synthesis.articulation import STEPS_PER_SECOND
from avsync.datasets.synthesis.many.gestures import Gestures
from avsync.datasets.synthesis.many.person import Voice
from avsync.units import SAMPLE_RATE

HOP = SAMPLE_RATE // STEPS_PER_SECOND  # 80 samples: one step
COEFFICIENT_HOP = 20  # samples for which the resonances stay as they are: 1.25 ms

BANDWIDTHS_HERTZ = (70.0, 95.0, 140.0, 220.0, 320.0, 450.0, 600.0)
HIGH_FORMANTS_HERTZ = (3500.0, 4500.0, 5500.0, 6600.0)
NUM_FORMANTS = len(BANDWIDTHS_HERTZ)

# Columns of the table of controls that the compiled loop reads.
PITCH, VOICING, BREATH, HISS, HISS_HERTZ, NASAL, BAR, FORMANT_1 = range(8)


def utter(gestures: Gestures, voice: Voice, rng: np.random.Generator) -> Float[np.ndarray, " s"]:
    """The dry speech, `HOP` samples per step, float64 of arbitrary scale."""
    num_samples = len(gestures.jaw) * HOP
    speech = np.zeros(num_samples)
    _synthesise(
        _controls(gestures, voice),
        rng.normal(size=num_samples),
        rng.normal(size=num_samples // 20),
        np.array([voice.open_quotient, voice.tilt, voice.jitter, voice.bandwidth]),
        np.array(BANDWIDTHS_HERTZ),
        speech,
    )
    return speech


def _controls(gestures: Gestures, voice: Voice) -> Float[np.ndarray, "n 14"]:
    # A smaller opening radiates less sound, but not much less: speakers compensate.
    radiated = 0.25 + 0.75 * np.sqrt(np.clip(gestures.aperture, 0, 1))
    loudness = gestures.stress**1.5
    pitch = voice.pitch_hertz * 2 ** (voice.pitch_semitones / 12 * gestures.pitch)
    voicing = np.clip(gestures.voicing, 0, None) * loudness
    bar = 0.25 * np.clip(gestures.bar, 0, None) * loudness
    breath = voice.breath * voicing + 0.15 * np.clip(gestures.breath, 0, None)
    oral = np.where(gestures.nasal > 0.3, 0.5, radiated)
    # The first formant is low while the lips are nearly closed.
    f1 = gestures.f1 - gestures.closure * np.clip(gestures.f1 - 220, 0, None)
    scale = voice.tract_scale
    ones = np.ones_like(f1)
    return np.stack(
        [
            pitch,
            voicing * oral,
            breath * radiated,
            0.12 * voice.hiss * np.clip(gestures.hiss, 0, None) * (0.5 + 0.5 * loudness),
            gestures.hiss_hertz * (0.5 + 0.5 * scale),
            np.clip(gestures.nasal, 0, 1),
            bar,
            scale * f1,
            scale * gestures.f2,
            scale * gestures.f3,
            *(min(scale * hertz, 7800) * ones for hertz in HIGH_FORMANTS_HERTZ),
        ],
        axis=1,
    )


# Compiled by numba, which knows no type checks.
@njit(cache=True)
@no_type_check
def _synthesise(controls, noise, jitters, glottis, bandwidths, speech):
    """Fills `speech`; `noise` is white, one value a sample, `jitters` one a glottal period."""
    open_quotient, tilt, jitter, width = glottis
    a, b, c = np.zeros(9), np.zeros(9), np.zeros(9)
    y1, y2 = np.zeros(9), np.zeros(9)
    x1 = x2 = 0.0  # of the nasal zero
    zero = np.zeros(3)
    phase, period_factor, period, tilted, dull = 0.0, 1.0, 0, 0.0, 0.0
    num_steps = len(controls)
    for n in range(len(speech)):
        # The controls hold in the middle of their step, as they do for the picture.
        position = max(n / HOP - 0.5, 0.0)
        step = min(int(position), num_steps - 1)
        after = min(step + 1, num_steps - 1)
        w = position - step
        if n % COEFFICIENT_HOP == 0:
            nasal = (1 - w) * controls[step, NASAL] + w * controls[after, NASAL]
            for i in range(NUM_FORMANTS):
                k = FORMANT_1 + i
                hertz = (1 - w) * controls[step, k] + w * controls[after, k]
                wide = bandwidths[i] * width * (1.0 + nasal)
                r = np.exp(-np.pi * wide / SAMPLE_RATE)
                c[i] = -r * r
                b[i] = 2 * r * np.cos(2 * np.pi * hertz / SAMPLE_RATE)
                a[i] = 1 - b[i] - c[i]
            # Nasal pole at 270 Hz, and a zero there that moves up while air leaves by the nose.
            r = np.exp(-np.pi * 100 / SAMPLE_RATE)
            c[7] = -r * r
            b[7] = 2 * r * np.cos(2 * np.pi * 270 / SAMPLE_RATE)
            a[7] = 1 - b[7] - c[7]
            zero_b = 2 * r * np.cos(2 * np.pi * (270 + 230 * nasal) / SAMPLE_RATE)
            zero[0] = 1 / (1 - zero_b + r * r)
            zero[1] = -zero_b * zero[0]
            zero[2] = r * r * zero[0]
            hertz = (1 - w) * controls[step, HISS_HERTZ] + w * controls[after, HISS_HERTZ]
            hertz = min(hertz, 7400.0)
            r = np.exp(-np.pi * (300 + 0.22 * hertz) / SAMPLE_RATE)
            c[8] = -r * r
            b[8] = 2 * r * np.cos(2 * np.pi * hertz / SAMPLE_RATE)
            a[8] = (1 - r) * 2
        pitch = (1 - w) * controls[step, PITCH] + w * controls[after, PITCH]
        phase += pitch * period_factor / SAMPLE_RATE
        if phase >= 1:
            phase -= 1
            period_factor = 1 + jitter * jitters[period % len(jitters)]
            period += 1
        # The derivative of the flow t^2 - t^3 of Klatt & Klatt (1990).
        opened = phase / open_quotient
        pulse = 2 * opened - 3 * opened * opened if opened < 1 else 0.0
        tilted = (1 - tilt) * pulse + tilt * tilted
        voicing = (1 - w) * controls[step, VOICING] + w * controls[after, VOICING]
        breath = (1 - w) * controls[step, BREATH] + w * controls[after, BREATH]
        hiss = (1 - w) * controls[step, HISS] + w * controls[after, HISS]
        bar = (1 - w) * controls[step, BAR] + w * controls[after, BAR]
        # The noise of a vibrating glottis is stronger while it is open.
        gust = noise[n] * (1.0 if opened < 1 else 0.5)
        x = voicing * tilted + breath * gust
        y = zero[0] * x + zero[1] * x1 + zero[2] * x2
        x2, x1 = x1, x
        for i in (7, 0, 1, 2, 3, 4, 5, 6):
            out = a[i] * y + b[i] * y1[i] + c[i] * y2[i]
            y2[i], y1[i] = y1[i], out
            y = out
        # The noise of fricatives is modulated by the voice, if there is one.
        rough = noise[n] * hiss
        out = a[8] * rough + b[8] * y1[8] + c[8] * y2[8]
        hissed = out - y2[8]  # a zero at 0 Hz and at half the sampling rate
        y2[8], y1[8] = y1[8], out
        dull = 0.12 * pulse * bar + 0.88 * dull
        speech[n] = y + hissed + dull
