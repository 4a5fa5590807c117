"""When a clip is given no verdict, whatever number the model has for it."""

import math
from typing import NamedTuple

from avsync.units import FRAMES_PER_SECOND, MIN_FRAMES


class Abstention(NamedTuple):
    """Why: "all_silent" or "too_short", and the same in words."""

    status: str
    message: str


def abstention(num_frames: int, *, silent_seconds: float = 0.0) -> Abstention | None:
    """Why a clip of so many frames, which begins with so much silence, has no verdict.

    None if it can have one. Where the clip was trimmed already, there is no such silence.
    """
    # Rounded first: of 3 s in floating point no frame is left over.
    num_heard = num_frames - math.ceil(round(silent_seconds * FRAMES_PER_SECOND, 6))
    if num_heard <= 0:
        return Abstention("all_silent", "no sound is left once leading silence is trimmed")
    if num_heard < MIN_FRAMES:
        return Abstention(
            "too_short",
            f"{num_heard / FRAMES_PER_SECOND:.2f} s are left once leading silence is trimmed; at "
            f"least {MIN_FRAMES / FRAMES_PER_SECOND:.2f} s are needed",
        )
    return None
