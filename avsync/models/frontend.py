"""Waveforms to log-mel bands in jnp, so that an exported model eats waveforms."""

import jax.numpy as jnp
import librosa
import numpy as np
from jaxtyping import Array, Float, Int16

from avsync.units import INT16_SCALE, SAMPLE_RATE

HOP_SAMPLES = 160  # 100 Hz: four log-mel frames a video frame
WINDOW_SAMPLES = 400
FFT_SAMPLES = 512

# Power below which everything counts as silence: about -100 dB under a full-scale sine.
POWER_FLOOR = 1e-6


def log_mel(
    waveform: Int16[Array, "b s"] | Float[Array, "b s"], *, num_bands: int
) -> Float[Array, "b m f"]:
    """Natural log of mel band power, [b s/160 f], float32.

    `waveform` is int16, or float in [-1, 1]; s must be a multiple of 160. Frame m is centred on
    samples [160 m, 160 m + 160); beyond the ends there is silence, so zeros appended to the sound
    change no frame but the new ones.
    """
    if waveform.dtype == jnp.int16:
        waveform = waveform.astype(jnp.float32) / INT16_SCALE
    margin = (WINDOW_SAMPLES - HOP_SAMPLES) // 2
    num_frames = waveform.shape[1] // HOP_SAMPLES
    padded = jnp.pad(waveform.astype(jnp.float32), ((0, 0), (margin, margin)))
    index = np.arange(num_frames)[:, None] * HOP_SAMPLES + np.arange(WINDOW_SAMPLES)
    framed = padded[:, index] * np.hanning(WINDOW_SAMPLES + 1)[:-1].astype(np.float32)
    power = jnp.square(jnp.abs(jnp.fft.rfft(framed, FFT_SAMPLES)))
    bands = librosa.filters.mel(
        sr=SAMPLE_RATE, n_fft=FFT_SAMPLES, n_mels=num_bands, norm=None, dtype=np.float32
    )
    return jnp.log(power @ bands.T + POWER_FLOOR)
