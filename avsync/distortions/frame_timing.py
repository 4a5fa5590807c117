"""Fewer frames a second, and frames that are lost; each is shown as the nearest one that is left.

A player shows the frame before a lost one, which delays the picture; here the delay is taken out,
because a delay is an A/V offset, and offsets are measured apart.
"""

import numpy as np
from jaxtyping import UInt8

from avsync.distortions.base import Distortion
from avsync.units import FRAMES_PER_SECOND

Frames = UInt8[np.ndarray, "t h w 1"]


def frame_rate(frames: Frames, strength: float, rng: np.random.Generator) -> Frames:
    """This many frames a second, each shown until the next one is nearer."""
    del rng
    step = FRAMES_PER_SECOND / strength
    nearest = np.rint(np.rint(np.arange(len(frames)) / step) * step).astype(int)
    return frames[np.minimum(nearest, len(frames) - 1)]


def lost_frames(frames: Frames, strength: float, rng: np.random.Generator) -> Frames:
    """This percentage of the frames lost, each replaced by the nearest one that is left."""
    is_left = rng.random(len(frames)) * 100 >= strength
    is_left[rng.integers(len(frames))] = True
    left = np.flatnonzero(is_left)
    distance = np.abs(np.arange(len(frames))[:, None] - left)
    # Of two that are equally near, either: the one before would delay the picture.
    ties = rng.random(distance.shape) / 2
    return frames[left[np.argmin(distance + ties, axis=1)]]


DISTORTIONS = {
    "frame_rate": Distortion("visual", "frame rate", "frames a second", (1, 25), frame_rate),
    "lost_frames": Distortion("visual", "lost frames", "% of frames", (0, 100), lost_frames),
}
