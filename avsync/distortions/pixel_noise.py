"""Camera noise, and parts of the picture that are hidden or lost."""

import numpy as np
from jaxtyping import UInt8

from avsync.distortions.base import Distortion, to_pixels

Frames = UInt8[np.ndarray, "t h w 1"]

# Lost in transmission: macroblocks of 16 x 16 pixels.
BLOCK = 16
GREY = 128

# The centre of what hides the mouth is at most this far from that of the crop.
MAX_FROM_CENTRE = 24


def noise(frames: Frames, strength: float, rng: np.random.Generator) -> Frames:
    """Gaussian noise of this standard deviation, new in each frame."""
    return to_pixels(frames + strength * rng.standard_normal(frames.shape, np.float32))


def salt_and_pepper(frames: Frames, strength: float, rng: np.random.Generator) -> Frames:
    """This percentage of the pixels black or white."""
    drawn = rng.random(frames.shape, np.float32) * 200
    changed = np.where(drawn < strength, np.uint8(0), frames)
    return np.where(drawn > 200 - strength, np.uint8(255), changed)


def occlusion(frames: Frames, strength: float, rng: np.random.Generator) -> Frames:
    """A grey square of this edge, at a place drawn for the clip."""
    edge, size = round(strength), np.array(frames.shape[1:3])
    centre = size / 2 + rng.uniform(-MAX_FROM_CENTRE, MAX_FROM_CENTRE, 2)
    top, left = np.clip(np.rint(centre - edge / 2), 0, size - edge).astype(int)
    hidden = frames.copy()
    hidden[:, top : top + edge, left : left + edge] = rng.integers(0, 256)
    return hidden


def lost_blocks(frames: Frames, strength: float, rng: np.random.Generator) -> Frames:
    """This percentage of the 16 x 16 blocks of each frame grey."""
    time, height, width, _ = frames.shape
    is_lost = rng.random((time, height // BLOCK, width // BLOCK)) * 100 < strength
    pixels = is_lost.repeat(BLOCK, axis=1).repeat(BLOCK, axis=2)[..., None]
    return np.where(pixels, np.uint8(GREY), frames)


DISTORTIONS = {
    "noise": Distortion("visual", "camera noise", "grey levels", (0, 200), noise),
    "salt_and_pepper": Distortion(
        "visual", "salt and pepper", "% of pixels", (0, 100), salt_and_pepper
    ),
    "occlusion": Distortion("visual", "hidden square", "pixels", (1, 96), occlusion),
    "lost_blocks": Distortion("visual", "lost blocks", "% of blocks", (0, 100), lost_blocks),
}
