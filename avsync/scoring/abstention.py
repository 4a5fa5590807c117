"""Clips that get no score: too short or silent after trimming, or without speech."""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Int16

from avsync.units import FRAMES_PER_SECOND, MIN_FRAMES, SAMPLES_PER_FRAME

# Levels of 40 ms, 5th to 95th percentile: at least 25 dB over a GRID clip, 6 dB over any second of
# one or under noise as loud as the speech; less than 1 dB for a chord, a hum, or noise.
MIN_SPEECH_RANGE_DB = 3.0


class Abstention(NamedTuple):
    """Reason for a missing score: a status ("all_silent", "too_short", …) and a message."""

    status: str
    message: str


def abstention(num_frames: int, *, silent_seconds: float = 0.0) -> Abstention | None:
    """Abstains from a clip that is silent or too short; None if it can be scored.

    `silent_seconds` is the leading silence still in its `num_frames`; 0 for a trimmed clip.
    """
    # Rounded first: in floating point, 3 s times 25 may leave a fraction of a frame.
    num_left = num_frames - math.ceil(round(silent_seconds * FRAMES_PER_SECOND, 6))
    if num_left <= 0:
        return Abstention("all_silent", "no sound is left after trimming leading silence")
    if num_left < MIN_FRAMES:
        return Abstention(
            "too_short",
            f"{num_left / FRAMES_PER_SECOND:.2f} s are left after trimming leading silence; at "
            f"least {MIN_FRAMES / FRAMES_PER_SECOND:.2f} s are needed",
        )
    return None


def no_speech(waveform: Int16[np.ndarray, " s"]) -> Abstention | None:
    """Abstains from sound whose level is too steady for speech; None if the level varies.

    Any sound that rises and falls passes, music with a beat included.
    """
    samples = waveform[: len(waveform) // SAMPLES_PER_FRAME * SAMPLES_PER_FRAME].astype(np.float32)
    power = np.square(samples).reshape(-1, SAMPLES_PER_FRAME).mean(axis=1)
    # A power of 1 is the last bit of an int16.
    quiet, loud = np.percentile(10 * np.log10(np.maximum(power, 1)), [5, 95])
    if loud - quiet >= MIN_SPEECH_RANGE_DB:
        return None
    return Abstention(
        "no_speech",
        f"the sound level varies by only {loud - quiet:.1f} dB, speech by more than "
        f"{MIN_SPEECH_RANGE_DB:.0f} dB: a tone, hum, noise, or sustained music",
    )
