"""Where the mouth is in its crop: poor landmarks, tilted heads, other lenses."""

import numpy as np
from jaxtyping import Float, UInt8

from avsync.distortions.base import Distortion, to_pixels

Frames = UInt8[np.ndarray, "t h w 1"]


def rotation(frames: Frames, strength: float, rng: np.random.Generator) -> Frames:
    """Turned by this many degrees, to a side that is drawn."""
    angle = np.deg2rad(strength) * rng.choice([-1, 1])
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return warp(frames, turn)


def zoom(frames: Frames, strength: float, rng: np.random.Generator) -> Frames:
    """Enlarged by this factor, or as often reduced."""
    return warp(frames, np.eye(2) * strength ** rng.choice([-1.0, 1.0]))


def aspect(frames: Frames, strength: float, rng: np.random.Generator) -> Frames:
    """Wider than high by this factor, or as often higher than wide."""
    factor = np.sqrt(strength) ** rng.choice([-1.0, 1.0])
    return warp(frames, np.diag([factor, 1 / factor]))


def shift(frames: Frames, strength: float, rng: np.random.Generator) -> Frames:
    """Moved by this many pixels in a direction that is drawn."""
    angle = rng.uniform(0, 2 * np.pi)
    return warp(frames, np.eye(2), strength * np.array([np.sin(angle), np.cos(angle)]))


def jitter(frames: Frames, strength: float, rng: np.random.Generator) -> Frames:
    """Each frame moved by itself, with this standard deviation in pixels along each axis."""
    moves = rng.normal(0, strength, (len(frames), 2))
    moved = [warp(frame[None], np.eye(2), move) for frame, move in zip(frames, moves, strict=True)]
    return np.concatenate(moved)


def warp(
    frames: Frames,
    matrix: Float[np.ndarray, "2 2"],
    offset: Float[np.ndarray, " 2"] | None = None,
) -> Frames:
    """Samples all frames at centre + matrix (pixel - centre) + offset, (row, column), linearly.

    Beyond its edges a picture goes on with its last pixels.
    """
    size = np.array(frames.shape[1:3])
    centre = ((size - 1) / 2)[:, None, None]
    pixels = np.indices(frames.shape[1:3]) - centre
    moved = np.zeros(2) if offset is None else offset
    places = np.tensordot(matrix, pixels, 1) + centre + moved[:, None, None]
    places = np.clip(places, 0, (size - 1)[:, None, None])
    first = np.minimum(places.astype(np.int64), (size - 2)[:, None, None])
    (rows, columns), (down, right) = first, (places - first).astype(np.float32)
    grey = frames[..., 0]
    top = grey[:, rows, columns] * (1 - right) + grey[:, rows, columns + 1] * right
    low = grey[:, rows + 1, columns] * (1 - right) + grey[:, rows + 1, columns + 1] * right
    return to_pixels(top * (1 - down) + low * down)[..., None]


DISTORTIONS = {
    "rotation": Distortion("visual", "rotation", "degrees", (0, 90), rotation),
    "zoom": Distortion("visual", "zoom, in or out", "factor", (1, 4), zoom),
    "aspect": Distortion("visual", "aspect", "factor", (1, 4), aspect),
    "shift": Distortion("visual", "shift of the crop", "pixels", (0, 48), shift),
    "jitter": Distortion("visual", "jitter of the crop", "pixels", (0, 16), jitter),
}
