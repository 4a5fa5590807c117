"""From drawn crops to 8-bit ones: light that changes, sensor noise, and compression."""

import numpy as np
from jaxtyping import Float32, UInt8
from scipy.fft import dctn, idctn

from avsync.datasets.synthesis.articulation import slow_drift
from avsync.datasets.synthesis.many.person import Camera

BLOCK = 8  # pixels, of the transform of JPEG and MPEG
NOISE_SAMPLES = 2**17


def film(
    crops: Float32[np.ndarray, "t h w"], camera: Camera, rng: np.random.Generator
) -> UInt8[np.ndarray, "t h w 1"]:
    """The crops of a clip; `crops` is changed in place."""
    num_frames = len(crops)
    light = np.exp(camera.flicker * slow_drift(rng, num_frames, seconds=0.6) + rng.normal(0, 0.05))
    mean = crops.mean()
    crops -= mean
    crops *= (camera.contrast * light).astype(np.float32)[:, None, None]
    crops += mean
    _add_noise(crops, camera.noise, rng)
    if camera.quality:
        crops = _compressed(crops, camera.quality, rng)
    return np.clip(np.rint(crops), 0, 255).astype(np.uint8)[..., None]


def _add_noise(crops: np.ndarray, size: float, rng: np.random.Generator) -> None:
    """Adds white noise. Frames read one sequence from different places: drawing is slow."""
    noise = size * rng.standard_normal(NOISE_SAMPLES, np.float32)
    pixels = crops[0].size
    for frame, start in zip(
        crops, rng.integers(NOISE_SAMPLES - pixels, size=len(crops)), strict=True
    ):
        frame += noise[start : start + pixels].reshape(frame.shape)


def _compressed(crops: np.ndarray, step: float, rng: np.random.Generator) -> np.ndarray:
    """Quantises blocks of the picture, fine details more coarsely; their grid is random."""
    num_frames, height, width = crops.shape
    down, right = rng.integers(BLOCK, size=2)
    rolled = np.roll(crops, (down, right), axis=(1, 2))
    shape = (num_frames, height // BLOCK, BLOCK, width // BLOCK, BLOCK)
    frequency = np.arange(BLOCK, dtype=np.float32)
    steps = step * (0.5 + 0.25 * (frequency[:, None, None] + frequency))
    # np.asarray: the stubs of scipy.fft hide that these are arrays.
    blocks = np.asarray(dctn(rolled.reshape(shape), axes=(2, 4), norm="ortho"))
    filmed = np.asarray(idctn(np.rint(blocks / steps) * steps, axes=(2, 4), norm="ortho"))
    return np.roll(filmed.reshape(crops.shape), (-down, -right), axis=(1, 2))
