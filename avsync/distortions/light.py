"""Light and exposure: one change for the whole clip, except flicker."""

import numpy as np
from jaxtyping import UInt8

from avsync.distortions.base import Distortion, to_pixels

Frames = UInt8[np.ndarray, "t h w 1"]


def brightness(frames: Frames, strength: float, rng: np.random.Generator) -> Frames:
    """Lighter or darker by this many grey levels; the sign is drawn."""
    return to_pixels(frames.astype(np.float32) + rng.choice([-1, 1]) * strength)


def contrast(frames: Frames, strength: float, rng: np.random.Generator) -> Frames:
    """Differences from the mean of the clip, multiplied by this factor."""
    del rng
    mean = frames.mean()
    return to_pixels(mean + strength * (frames.astype(np.float32) - mean))


def gamma(frames: Frames, strength: float, rng: np.random.Generator) -> Frames:
    """This exponent, or as often its inverse."""
    exponent = strength ** rng.choice([-1.0, 1.0])
    return to_pixels(255 * (np.arange(256) / 255) ** exponent)[frames]


def flicker(frames: Frames, strength: float, rng: np.random.Generator) -> Frames:
    """Each frame lighter or darker, with this standard deviation in grey levels."""
    change = rng.normal(0, strength, (len(frames), 1, 1, 1))
    return to_pixels(frames.astype(np.float32) + change)


def few_levels(frames: Frames, strength: float, rng: np.random.Generator) -> Frames:
    """This many grey levels."""
    del rng
    steps = round(strength) - 1
    return to_pixels(np.rint(np.arange(256) / 255 * steps) * 255 / steps)[frames]


DISTORTIONS = {
    "brightness": Distortion("visual", "brightness", "grey levels", (0, 200), brightness),
    "contrast": Distortion("visual", "contrast", "factor", (0.02, 8), contrast),
    "gamma": Distortion("visual", "gamma", "exponent", (1, 8), gamma),
    "flicker": Distortion("visual", "flicker", "grey levels", (0, 100), flicker),
    "few_levels": Distortion("visual", "few grey levels", "levels", (2, 256), few_levels),
}
