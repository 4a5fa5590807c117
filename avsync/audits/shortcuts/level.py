"""Amplitude: how loud a clip is, how quiet between words, and where the waveform is damaged.

Generated speech is often normalised to one level or one peak, vocoders add neither room noise nor
the constant offset of a sound card, and joins without a fade leave a click.
"""

import numpy as np
from jaxtyping import Float, Int16

from avsync.audits.base import AuditedClip, Shortcut
from avsync.audits.shortcuts.silence import sounding
from avsync.units import INT16_SCALE, SAMPLE_RATE

# Below one step of 16 bits: the level of digital silence.
SILENCE_DB = -120.0

# 20 ms: short against a syllable, long against a period of the voice.
WINDOW_SAMPLES = SAMPLE_RATE // 50

NOISE_FLOOR_PERCENTILE = 10

# The second difference of a wave grows with the square of its frequency, so that of speech is
# small compared with that of a step. The reference is the 10 ms around it, because loud speech has
# larger differences.
CLICK_WINDOW_SAMPLES = SAMPLE_RATE // 100


def decibels(power: Float[np.ndarray, "*any"]) -> Float[np.ndarray, "*any"]:
    """Power, a squared amplitude, in dB; at least `SILENCE_DB`."""
    return 10 * np.log10(np.maximum(power, 10 ** (SILENCE_DB / 10)))


def unit_scale(waveform: Int16[np.ndarray, " s"]) -> Float[np.ndarray, " s"]:
    """Samples in [-1, 1)."""
    return waveform.astype(np.float64) / INT16_SCALE


def loudness(clip: AuditedClip) -> float:
    """Root mean square of the whole clip, in dB relative to full scale."""
    return float(decibels(np.square(unit_scale(clip.waveform)).mean(keepdims=True))[0])


def peak(clip: AuditedClip) -> float:
    """Largest amplitude, in dB relative to full scale."""
    return float(decibels(np.square(unit_scale(clip.waveform))).max())


def noise_floor(clip: AuditedClip) -> float | None:
    """10th percentile of the level in dB of 20 ms windows; None if all samples are zero.

    Windows of exact zeros are excluded: digital silence is not room noise.
    """
    whole = len(clip.waveform) // WINDOW_SAMPLES * WINDOW_SAMPLES
    windows = unit_scale(clip.waveform[:whole]).reshape(-1, WINDOW_SAMPLES)
    power = np.square(windows).mean(axis=1)
    levels = decibels(power[power > 0])
    return float(np.percentile(levels, NOISE_FLOOR_PERCENTILE)) if len(levels) else None


def dc_offset(clip: AuditedClip) -> float:
    """Absolute mean of the samples, as a fraction of full scale."""
    return abs(float(unit_scale(clip.waveform).mean()))


def clipping(clip: AuditedClip) -> float:
    """Share of samples at the largest amplitude whose next sample also has it.

    The largest amplitude need not be full scale: a clipped track may have been turned down.
    """
    amplitude = np.abs(clip.waveform.astype(np.int32))
    is_loudest = amplitude >= amplitude.max()
    beside = is_loudest[1:] & is_loudest[:-1]
    return float(beside.sum() / len(amplitude)) if amplitude.max() else 0.0


def click(clip: AuditedClip) -> float | None:
    """Sharpest corner of the waveform relative to its surroundings, in dB; None without one.

    Silence at the ends of the clip is excluded: the onset of sound is not a click.
    """
    sound = clip.waveform[sounding(clip.waveform)]
    corners = np.square(np.diff(unit_scale(sound), n=2))
    num_windows = len(corners) // CLICK_WINDOW_SAMPLES
    windows = corners[: num_windows * CLICK_WINDOW_SAMPLES].reshape(
        num_windows, CLICK_WINDOW_SAMPLES
    )
    mean = windows.mean(axis=1)
    if not mean.any():
        return None
    return float(decibels(windows.max(axis=1)[mean > 0] / mean[mean > 0]).max())


SHORTCUTS = {
    "loudness": Shortcut("root-mean-square level of the sound", "dB", loudness),
    "peak": Shortcut("level of the loudest sample", "dB", peak),
    "noise_floor": Shortcut("level of the quietest tenth of the sound", "dB", noise_floor),
    "dc_offset": Shortcut("absolute mean of the samples", "FS", dc_offset),
    "clipping": Shortcut("share of clipped samples", "", clipping),
    "click": Shortcut("sharpest corner of the waveform relative to its surroundings", "dB", click),
}
