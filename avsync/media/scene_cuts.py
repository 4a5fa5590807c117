"""Where a film cuts from one scene to another."""

import itertools
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from avsync.media.likeness import fingerprints

# Change is one minus the correlation of two frames. On GRID a talker changes the picture by less
# than 0.008 from one frame to the next, and a cut to another talker in the same studio by more
# than 0.07.
MIN_CHANGE = 0.05

# A cut changes the picture at once: at least so many times as much as any frame near it does. A
# pan or a fade goes on for longer, and a flash changes it twice.
MIN_CONTRAST = 4
REACH_FRAMES = 3

# Rows or columns that are looked at, whichever are fewer.
LOOKED_AT = 48


class Shot(NamedTuple):
    """A frame, and whether a new scene begins with it."""

    frame: UInt8[np.ndarray, "h w"]
    begins_scene: bool


def mark_cuts(frames: Iterable[UInt8[np.ndarray, "h w"]]) -> Iterator[Shot]:
    """All of the frames in their order, only some of which are held. With the first one no scene
    begins."""
    held: deque[UInt8[np.ndarray, "h w"]] = deque()
    # From one frame to the next; the middle one is that to the first frame held. Before the first
    # frame and after the last one, nothing changes.
    changes = deque([0.0] * REACH_FRAMES, maxlen=2 * REACH_FRAMES + 1)
    before = None
    for frame in itertools.chain(frames, [None] * REACH_FRAMES):
        if frame is None:
            changes.append(0.0)
        else:
            held.append(frame)
            step = max(1, min(frame.shape) // LOOKED_AT)
            [here] = fingerprints(frame[None, ::step, ::step])
            changes.append(0.0 if before is None else float(1 - here @ before))
            before = here
        if held and len(changes) == changes.maxlen:
            yield Shot(held.popleft(), _is_cut(list(changes)))


def _is_cut(changes: list[float]) -> bool:
    change = changes.pop(REACH_FRAMES)
    return change >= MIN_CHANGE and change >= MIN_CONTRAST * max(changes)
