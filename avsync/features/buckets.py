"""Which clips go through the encoder together: such as are nearly equally long."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int

# Lengths are rounded up to one of so many an octave: at most an eighth of a batch is padding for
# that reason, and each octave of lengths costs the compiler 8 shapes.
LENGTHS_PER_OCTAVE = 8
SHORTEST_FRAMES = 25


class Bucket(NamedTuple):
    """The places of the clips of one batch, its rows and its frames; more rows are padding."""

    places: list[int]
    num_rows: int
    num_frames: int


def buckets(
    lengths: Int[np.ndarray, " n"], *, frames_per_batch: int, num_devices: int
) -> list[Bucket]:
    """Batches that together hold each of `lengths` once, the longest clips first.

    Each device has as many rows as fit `frames_per_batch` of its frames, at least one; for the last
    clips fewer, by halves, so that there are few shapes to compile for. Longest first: what does
    not fit the memory fails at once.
    """
    order = np.argsort(-lengths, kind="stable").tolist()
    found = []
    while order:
        num_frames = rounded_up(int(lengths[order[0]]))
        num_rows = max(frames_per_batch // num_frames, 1)
        while num_rows > 1 and (num_rows // 2) * num_devices >= len(order):
            num_rows //= 2
        num_rows *= num_devices
        found.append(Bucket(order[:num_rows], num_rows, num_frames))
        order = order[num_rows:]
    return found


def rounded_up(num_frames: int) -> int:
    """The least length to compile for that is not below `num_frames`."""
    if num_frames <= SHORTEST_FRAMES:
        return SHORTEST_FRAMES
    octave = int(np.floor(np.log2((num_frames - 1) / SHORTEST_FRAMES)))
    lowest = SHORTEST_FRAMES * 2**octave
    step = lowest / LENGTHS_PER_OCTAVE
    return int(np.ceil(lowest + step * np.ceil((num_frames - lowest) / step)))
