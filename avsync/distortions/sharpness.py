"""Loss of detail: out of focus, moving cameras, small pictures."""

import numpy as np
from jaxtyping import Float, UInt8
from scipy import ndimage, signal

from avsync.distortions.base import Distortion, to_pixels

Frames = UInt8[np.ndarray, "t h w 1"]


def blur(frames: Frames, strength: float, rng: np.random.Generator) -> Frames:
    """A Gaussian of this standard deviation."""
    del rng
    sigma = (0, strength, strength, 0)
    return to_pixels(ndimage.gaussian_filter(frames.astype(np.float32), sigma, mode="nearest"))


def motion_blur(frames: Frames, strength: float, rng: np.random.Generator) -> Frames:
    """Averages along a line of this length, at an angle drawn for the clip."""
    half = int(np.ceil(strength / 2))
    angle = rng.uniform(0, np.pi)
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    for along in np.linspace(-strength / 2, strength / 2, 8 * half + 1):
        row, column = np.rint([half + along * np.sin(angle), half + along * np.cos(angle)])
        kernel[int(row), int(column)] += 1
    kernel /= kernel.sum()
    padded = np.pad(frames[..., 0].astype(np.float32), [(0, 0), (half, half), (half, half)], "edge")
    return to_pixels(signal.fftconvolve(padded, kernel[None], "valid", axes=(1, 2)))[..., None]


def small_picture(frames: Frames, strength: float, rng: np.random.Generator) -> Frames:
    """Scaled to this many pixels by areas, and back linearly."""
    del rng
    height, width = frames.shape[1:3]
    pixels = round(strength)
    by_row, by_column = (_enlarging(pixels, n) @ _reducing(n, pixels) for n in (height, width))
    return to_pixels(by_row @ frames[..., 0].astype(np.float32) @ by_column.T)[..., None]


def _reducing(large: int, small: int) -> Float[np.ndarray, "small large"]:
    """The share of each large pixel in each small one."""
    edges = np.arange(small + 1) * large / small
    pixels = np.arange(large)
    low = np.maximum(edges[:-1, None], pixels)
    high = np.minimum(edges[1:, None], pixels + 1)
    return (np.clip(high - low, 0, None) * small / large).astype(np.float32)


def _enlarging(small: int, large: int) -> Float[np.ndarray, "large small"]:
    """The weight of each small pixel in each large one, linear between their centres."""
    centres = np.clip((np.arange(large) + 0.5) * small / large - 0.5, 0, small - 1)
    distance = np.abs(centres[:, None] - np.arange(small))
    return np.clip(1 - distance, 0, None).astype(np.float32)


DISTORTIONS = {
    "blur": Distortion("visual", "out of focus", "pixels (standard deviation)", (0.1, 20), blur),
    "motion_blur": Distortion("visual", "camera motion", "pixels", (1, 48), motion_blur),
    "small_picture": Distortion("visual", "small picture", "pixels", (4, 96), small_picture),
}
