"""Scene cuts, found while frames stream by, and the image correlation that reveals them."""

import itertools
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Float32, UInt8
from numba import njit

# Change is one minus the correlation of two frames. On GRID, a speaker changes the image by less
# than 0.008 from one frame to the next, also at 30 kbit/s (0.015), and 174 of 176 cuts between
# speakers in the same studio by more than 0.05. A jolt of the camera, lost frames or a step of the
# exposure change it as much as cuts do: faces go on over them, see `avsync.media.same_face`.
MIN_CHANGE = 0.05

# A cut changes the image at once: by at least this factor more than any frame nearby. A pan or a
# fade lasts longer, and a flash changes the image twice.
MIN_CONTRAST = 4
REACH_FRAMES = 3

# Frames are compared at about this many pixels along the shorter side.
COMPARED_PIXELS = 48


class MarkedFrame(NamedTuple):
    """A frame, and whether a new scene begins with it."""

    frame: UInt8[np.ndarray, "h w"]
    begins_scene: bool


def mark_cuts(frames: Iterable[UInt8[np.ndarray, "h w"]]) -> Iterator[MarkedFrame]:
    """Yields all frames in order, `REACH_FRAMES` late. The first frame never begins a scene."""
    waiting: deque[UInt8[np.ndarray, "h w"]] = deque()
    # Changes between consecutive frames; the middle one leads to the first waiting frame. There is
    # no change before the first frame and after the last one.
    changes = deque([0.0] * REACH_FRAMES, maxlen=2 * REACH_FRAMES + 1)
    before = None
    for frame in itertools.chain(frames, [None] * REACH_FRAMES):
        if frame is None:
            changes.append(0.0)
        else:
            waiting.append(frame)
            step = max(1, min(frame.shape) // COMPARED_PIXELS)
            [here] = fingerprints(frame[None, ::step, ::step])
            changes.append(0.0 if before is None else float(1 - here @ before))
            before = here
        if waiting and len(changes) == changes.maxlen:
            yield MarkedFrame(waiting.popleft(), _is_cut(list(changes)))


def fingerprints(images: UInt8[np.ndarray, "n h w"]) -> Float32[np.ndarray, "n k"]:
    """Returns unit vectors whose inner product is the correlation of two images, 1 if equal.

    Correlation ignores brightness and contrast. One grey level of common variation is added, so
    that two flat images correlate.
    """
    num_images, height, width = images.shape
    prints = np.empty((num_images, height * width + 1), np.float32)
    _fill(np.ascontiguousarray(images).reshape(num_images, -1), prints)
    return prints


# Compiled by numba, which knows no type checks: NumPy takes longer to begin than to compute.
@njit(cache=True, nogil=True)
@no_type_check
def _fill(images, prints):
    size = images.shape[1]
    for i in range(len(images)):
        total = squares = 0
        for k in range(size):
            value = np.int64(images[i, k])
            total += value
            squares += value * value
        mean = total / size
        # One more value, the root of the size, stands for the grey level of common variation.
        length = np.sqrt(squares - total * mean + size)
        for k in range(size):
            prints[i, k] = (images[i, k] - mean) / length
        prints[i, size] = np.sqrt(size) / length


def _is_cut(changes: list[float]) -> bool:
    change = changes.pop(REACH_FRAMES)
    return change >= MIN_CHANGE and change >= MIN_CONTRAST * max(changes)
