"""Finds speech in a clip: faking a silent segment would leave nothing to detect."""

import numpy as np
from jaxtyping import Bool, Int16

from avsync.datasets.fabricate import TOO_LITTLE_SPEECH, TOO_SHORT, CannotFabricate
from avsync.types import Clip
from avsync.units import FRAMES_PER_SECOND, SAMPLES_PER_FRAME

# A frame is speech if its level in dB is at least this fraction of the way from the clip's noise
# floor (10th percentile of frame levels) to its peak (95th percentile). On 900 clips of one GRID
# speaker, floor and peak are near 49 and 78 dB, so speech starts 10 dB above the floor.
SPEECH_FRACTION_OF_RANGE = 1 / 3
FLOOR_PERCENTILE, PEAK_PERCENTILE = 10, 95

# Stationary noise or hum has a smaller range, and holds no speech.
MIN_RANGE_DB = 12.0

# Stops and short pauses belong to speech, so a fifth of a segment may be quiet. Then each of those
# 900 clips has segments of 0.8 s, 22 in the median clip; without quiet frames, 253 have none.
# By the word alignments of GRID, 99% of these segments are more than half words (98% of those of
# 0.4 s); the others are other loud sounds.
MIN_SPEECH_FRACTION = 0.8


def draw_speech_segment(clip: Clip, num_frames: int, *, rng: np.random.Generator) -> slice:
    """Draws a segment of `num_frames` video frames of speech, uniformly over all such segments.

    Raises `CannotFabricate` if there is none.
    """
    is_speech = speech_frames(clip.waveform)
    if num_frames > len(is_speech):
        starts = np.empty(0, np.int64)
    else:
        num_speech = np.convolve(is_speech.astype(np.int64), np.ones(num_frames, np.int64), "valid")
        starts = np.flatnonzero(num_speech >= MIN_SPEECH_FRACTION * num_frames)
    if not len(starts):
        raise CannotFabricate(
            f"clip {clip.clip_id}: no {num_frames / FRAMES_PER_SECOND:g} s segment of speech in "
            f"{len(is_speech) / FRAMES_PER_SECOND:g} s (speech in at least "
            f"{MIN_SPEECH_FRACTION:.0%} of the frames); try a shorter segment",
            reason=TOO_SHORT if num_frames > len(is_speech) else TOO_LITTLE_SPEECH,
        )
    start = int(rng.choice(starts))
    return slice(start, start + num_frames)


def speech_frames(waveform: Int16[np.ndarray, " s"]) -> Bool[np.ndarray, " t"]:
    """True for video frames of speech, those well above the clip's own noise floor.

    All False if the level hardly varies, as in noise, hum or digital silence.
    """
    power = np.square(waveform.reshape(-1, SAMPLES_PER_FRAME), dtype=np.float64).mean(axis=1)
    level_db = 10 * np.log10(np.maximum(power, 1))  # 0 dB is one step of the 16 bits
    # Digital silence was planted or padded, and says nothing about the room noise.
    nonzero = level_db[power > 0]
    if not len(nonzero):
        return np.zeros(len(power), bool)
    floor_db, peak_db = np.percentile(nonzero, [FLOOR_PERCENTILE, PEAK_PERCENTILE])
    if peak_db - floor_db < MIN_RANGE_DB:
        return np.zeros(len(power), bool)
    return level_db >= floor_db + SPEECH_FRACTION_OF_RANGE * (peak_db - floor_db)
