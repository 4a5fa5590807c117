"""Slow random motion: of heads, lights and idle lips."""

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d

from avsync.units import FRAMES_PER_SECOND


def wander(rng: np.random.Generator, num_frames: int, *, seconds: float) -> Float[np.ndarray, " t"]:
    """A smooth path about 0 with standard deviation 1, that forgets where it was in `seconds`."""
    width = seconds * FRAMES_PER_SECOND / 2
    margin = int(4 * width) + 1  # so that the path is as free at its ends as in the middle
    path = gaussian_filter1d(rng.normal(size=num_frames + 2 * margin), width)[margin:-margin]
    # White noise under a bell of this width keeps 1 / (2 sqrt(pi) width) of its variance.
    return path * np.sqrt(2 * np.sqrt(np.pi) * width)
