"""LSE-D and LSE-C: how well a face fits its sound, as papers on talking heads report it.

Lip-sync error by distance and by confidence (Prajwal et al., ACM MM 2020), from the embeddings of
SyncNet, exactly as `evaluate` of syncnet_python computes them. A window begins at each video frame.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

# Windows of sound that a window of the face is compared with, on each side of its own.
REACH_WINDOWS = 15

DISTANCE_EPSILON = 1e-6  # added to each difference, as PyTorch's pairwise_distance does


class Lse(NamedTuple):
    """LSE of a face, or of several taken together.

    lse_d: the mean distance at the best offset; lower is better.
    lse_c: the median over all offsets of the mean distance, minus `lse_d`; higher is better.
    offset_frames: the best offset; +n means the sound is n frames late, as everywhere in avsync.
    num_windows: windows of 0.2 s that were compared.
    """

    lse_d: float
    lse_c: float
    offset_frames: int
    num_windows: int

    @property
    def script_offset_frames(self) -> int:
        """The "AV offset" that syncnet_python prints: +n means the sound is n frames early."""
        return -self.offset_frames


def distances(faces: Float[Array, "t d"], sound: Float[Array, "n d"]) -> Float[Array, "t 31"]:
    """Distances of each window of a face to the sound, from 15 windows before it to 15 after.

    `sound` has 15 more windows on each side than `faces`; those beyond the clip are zeros, with
    which the script compares too.
    """
    shifts = range(2 * REACH_WINDOWS + 1)
    shifted = jnp.stack([sound[k : k + faces.shape[0]] for k in shifts], axis=1)
    difference = faces[:, None] - shifted + DISTANCE_EPSILON
    return jnp.sqrt(jnp.square(difference).sum(axis=-1))


def lse(total: Float[np.ndarray, "31"], *, num_windows: int) -> Lse:
    """LSE from the sum of `distances` over `num_windows` windows, which must be at least 1."""
    assert num_windows > 0, "a face has at least one window"
    means = total / num_windows
    best = int(means.argmin())
    return Lse(
        lse_d=float(means[best]),
        lse_c=float(np.median(means) - means[best]),
        offset_frames=best - REACH_WINDOWS,
        num_windows=num_windows,
    )
