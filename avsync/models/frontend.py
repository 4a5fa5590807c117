"""Waveforms to log-mel bands in jnp, so that an exported model takes waveforms."""

from typing import Any

import jax.numpy as jnp
import librosa
import numpy as np
import scipy.fft
from jaxtyping import Array, Float, Int, Int16

from avsync import lookup
from avsync.units import INT16_SCALE, SAMPLE_RATE

HOP_SAMPLES = 160  # 100 Hz: four log-mel frames per video frame
WINDOW_SAMPLES = 400
FFT_SAMPLES = 512

# Added to the power of each band: about 100 dB below a full-scale sine.
POWER_FLOOR = 1e-6

# The input of AV-HuBERT (Shi et al., ICLR 2022): `logfbank` of python_speech_features 0.6.
NUM_BANDS = 26
STACKED_FRAMES = 4
PRE_EMPHASIS = 0.97
ENERGY_OF_SILENCE = 2.0**-52  # replaces exact zeros only; it is not a floor

# The sound of SyncNet (Chung & Zisserman, ACCV 2016): `mfcc` of the same package.
NUM_CEPSTRA = 13
LIFTER = 22

# int, or during an export with symbolic sizes a symbol, which has no public type.
DimSize = Any

# AV-HuBERT was trained on samples of up to 32768; AVH-Align feeds it samples of up to 1.
AMPLITUDES = {"float": 1.0, "int16": float(INT16_SCALE)}


def log_mel(
    waveform: Int16[Array, "b s"] | Float[Array, "b s"], *, num_bands: int
) -> Float[Array, "b m f"]:
    """Natural log of mel band power, [b s/160 f], float32.

    `waveform` is int16, or float in [-1, 1]; s must be a multiple of 160. Frame m is centred on
    samples [160 m, 160 m + 160). Silence is assumed beyond the ends, so appending zeros changes
    none of the existing frames.
    """
    if waveform.dtype == jnp.int16:
        waveform = waveform.astype(jnp.float32) / INT16_SCALE
    margin = (WINDOW_SAMPLES - HOP_SAMPLES) // 2
    num_frames = waveform.shape[1] // HOP_SAMPLES
    padded = jnp.pad(waveform.astype(jnp.float32), ((0, 0), (margin, margin)))
    framed = _framed(padded, num_frames) * np.hanning(WINDOW_SAMPLES + 1)[:-1].astype(np.float32)
    power = jnp.square(jnp.abs(jnp.fft.rfft(framed, FFT_SAMPLES)))
    bands = librosa.filters.mel(
        sr=SAMPLE_RATE, n_fft=FFT_SAMPLES, n_mels=num_bands, norm=None, dtype=np.float32
    )
    return jnp.log(power @ bands.T + POWER_FLOOR)


def log_filterbank(
    waveform: Int16[Array, "b s"] | Float[Array, "b s"],
    num_samples: Int[Array, " b"] | None = None,
    *,
    amplitude: str,
) -> Float[Array, "b m 26"]:
    """Natural log of 26 filterbank energies at 100 Hz, as python_speech_features 0.6 computes them.

    m = 1 + ceil((s - 400) / 160), at least 1: a frame begins every 160 samples and is not centred,
    so 640 t samples make 4 t - 1 frames. Only the first `num_samples` (default: all) belong to the
    clip. Later samples are ignored, and frames that the clip alone would not have are 0.

    `waveform` is int16, or float in [-1, 1]; `amplitude`, one of `AMPLITUDES`, is the scale in
    which it is analysed. Exact digital silence gives ln 2^-52 = -36.04 in both, so that it lies
    further below speech in "int16" than in "float".
    """
    samples = _at_amplitude(waveform, amplitude)
    if num_samples is None:
        num_samples = jnp.full(samples.shape[:1], samples.shape[1])
    emphasised = samples - PRE_EMPHASIS * jnp.pad(samples, ((0, 0), (1, 0)))[:, :-1]
    # Cut after the pre-emphasis, which would echo the clip's last sample beyond its end.
    is_own = jnp.arange(samples.shape[1]) < num_samples[:, None]
    emphasised = jnp.where(is_own, emphasised, 0)

    num_frames = max(_num_frames(samples.shape[1]), 1)
    framed = _framed(emphasised, num_frames)
    power = jnp.square(jnp.abs(jnp.fft.rfft(framed, FFT_SAMPLES))) / FFT_SAMPLES
    # The default precision of accelerators keeps 3 to 4 digits, which the log would show.
    energy = jnp.matmul(power, triangles().T, precision="highest")
    log_energy = jnp.log(jnp.where(energy == 0, ENERGY_OF_SILENCE, energy))
    is_own = jnp.arange(num_frames) < jnp.maximum(_num_frames(num_samples), 1)[:, None]
    return jnp.where(is_own[..., None], log_energy, 0)


def stacked_log_filterbank(
    waveform: Int16[Array, "b s"] | Float[Array, "b s"],
    num_samples: Int[Array, " b"] | None = None,
    *,
    amplitude: str,
) -> Float[Array, "b t 104"]:
    """AV-HuBERT's audio input: four `log_filterbank` frames per video frame, mean 0 and variance 1.

    640 t samples lack the last of the 4 t frames, which is filled with 0 in the log domain: loud in
    amplitude "float" and quiet in "int16". All other frames agree between the two. The published
    features have this flaw at the end of every clip, and so have these.
    """
    x = log_filterbank(waveform, num_samples, amplitude=amplitude)
    x = jnp.pad(x, ((0, 0), (0, -x.shape[1] % STACKED_FRAMES), (0, 0)))
    x = x.reshape(x.shape[0], -1, STACKED_FRAMES * NUM_BANDS)
    x = x - x.mean(axis=-1, keepdims=True)
    return x / jnp.sqrt(jnp.square(x).mean(axis=-1, keepdims=True) + 1e-5)


def mfcc(waveform: Int16[Array, "b s"]) -> Float[Array, "b m 13"]:
    """13 mel-frequency cepstra at 100 Hz, as python_speech_features 0.6 computes them by default.

    m is that of `log_filterbank`, whose bands they are made of, in amplitude "int16". Cepstra are
    liftered; the first one is the natural log of the frame's energy instead.
    """
    log_energies = log_filterbank(waveform, amplitude="int16")
    cepstra = jnp.matmul(log_energies, cosines().T, precision="highest")
    samples = _at_amplitude(waveform, "int16")
    emphasised = samples - PRE_EMPHASIS * jnp.pad(samples, ((0, 0), (1, 0)))[:, :-1]
    framed = _framed(emphasised, log_energies.shape[1])
    energy = (jnp.square(jnp.abs(jnp.fft.rfft(framed, FFT_SAMPLES))) / FFT_SAMPLES).sum(axis=-1)
    log_energy = jnp.log(jnp.where(energy == 0, ENERGY_OF_SILENCE, energy))
    return cepstra.at[..., 0].set(log_energy)


def cosines() -> Float[np.ndarray, "13 26"]:
    """Log filterbank energies to cepstra: the first rows of the orthonormal DCT-II, liftered."""
    order = np.arange(NUM_CEPSTRA)
    transform = np.asarray(scipy.fft.dct(np.eye(NUM_BANDS), axis=0, norm="ortho"))[:NUM_CEPSTRA]
    lift = 1 + LIFTER / 2 * np.sin(np.pi * order / LIFTER)
    return (lift[:, None] * transform).astype(np.float32)


def triangles() -> Float[np.ndarray, "26 257"]:
    """The filterbank: triangles of unit height on 28 points equally spaced in mel, 0 to 8 kHz."""
    mel = np.linspace(0, 2595 * np.log10(1 + SAMPLE_RATE / 2 / 700), NUM_BANDS + 2)
    hertz = 700 * (10 ** (mel / 2595) - 1)
    edges = np.floor((FFT_SAMPLES + 1) * hertz / SAMPLE_RATE)[:, None]
    low, peak, high = edges[:-2], edges[1:-1], edges[2:]
    bins = np.arange(FFT_SAMPLES // 2 + 1)
    rising, falling = (bins - low) / (peak - low), (high - bins) / (high - peak)
    return np.maximum(np.minimum(rising, falling), 0).astype(np.float32)


def _num_frames(num_samples: DimSize) -> DimSize:
    """Number of frames in `num_samples`, the last of which may reach beyond them; < 1 for none.

    Plain arithmetic, because it is applied to numbers, arrays and symbolic sizes.
    """
    return 1 + (num_samples - WINDOW_SAMPLES + HOP_SAMPLES - 1) // HOP_SAMPLES


def _framed(samples: Float[Array, "b s"], num_frames: DimSize) -> Float[Array, "b m 400"]:
    """Windows that begin every 160 samples, with zeros after the last sample."""
    num_hops = num_frames + 2  # a window of 400 samples spans two and a half hops
    missing = max(num_hops * HOP_SAMPLES - samples.shape[1], 0)
    hops = jnp.pad(samples, ((0, 0), (0, missing)))[:, : num_hops * HOP_SAMPLES]
    hops = hops.reshape(hops.shape[0], num_hops, HOP_SAMPLES)
    parts = [hops[:, i : i + num_frames] for i in range(3)]
    return jnp.concatenate(parts, axis=-1)[..., :WINDOW_SAMPLES]


def _at_amplitude(
    waveform: Int16[Array, "b s"] | Float[Array, "b s"], amplitude: str
) -> Float[Array, "b s"]:
    lookup.require("amplitude", amplitude, sorted(AMPLITUDES))
    scale = 1 / INT16_SCALE if waveform.dtype == jnp.int16 else 1.0
    return waveform.astype(jnp.float32) * (scale * AMPLITUDES[amplitude])
