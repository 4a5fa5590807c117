"""When a clip is given no verdict, whatever number the model has for it."""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Int16

from avsync.units import FRAMES_PER_SECOND, MIN_FRAMES, SAMPLES_PER_FRAME

# Levels of 40 ms, the 5th percentile to the 95th: at least 25 dB over GRID's clips, 6 dB over any
# second of them or under noise as loud as they are; less than 1 dB for a chord, a hum, or noise.
MIN_SPEECH_RANGE_DB = 3.0


class Abstention(NamedTuple):
    """Why: "all_silent", "too_short" or "no_speech", and the same in words."""

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


def no_speech(waveform: Int16[np.ndarray, " s"]) -> Abstention | None:
    """Why no lips could fit this sound: it is as steady as speech never is.

    None for whatever rises and falls, be it speech or not: music with a beat does too.
    """
    samples = waveform[: len(waveform) // SAMPLES_PER_FRAME * SAMPLES_PER_FRAME].astype(np.float32)
    power = np.square(samples).reshape(-1, SAMPLES_PER_FRAME).mean(axis=1)
    # A level of 1 is that of the last bit of an int16.
    quiet, loud = np.percentile(10 * np.log10(np.maximum(power, 1)), [5, 95])
    if loud - quiet >= MIN_SPEECH_RANGE_DB:
        return None
    return Abstention(
        "no_speech",
        f"the level of the sound varies by {loud - quiet:.1f} dB, that of speech by more than "
        f"{MIN_SPEECH_RANGE_DB:.0f} dB: a tone, a hum, noise or held music",
    )
