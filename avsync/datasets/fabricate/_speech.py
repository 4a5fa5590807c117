"""Where in a clip somebody speaks; a forgery of silence would be none."""

import numpy as np
from jaxtyping import Bool, Int16

from avsync.datasets.fabricate import CannotFabricate
from avsync.types import Clip
from avsync.units import FRAMES_PER_SECOND, SAMPLES_PER_FRAME

# A frame is speech if it is at least this far up, in dB, from the clip's own noise floor (the 10th
# percentile of its frames' levels) to its loudest frames (the 95th). On 900 clips of a GRID talker
# floor and peak lie near 49 and 78 dB, so that speech starts 10 dB above the floor.
SPEECH_FRACTION_OF_RANGE = 1 / 3
FLOOR_PERCENTILE, PEAK_PERCENTILE = 10, 95

# Stationary noise or hum has hardly any range, and no speech stands out of it.
MIN_RANGE_DB = 12.0

# Stops and short pauses belong to speech: a fifth of a stretch may be quiet. All of those 900 clips
# then have stretches of 0.8 s to choose from, 22 in the median clip; were no pause allowed, 253
# would have none. 99 in 100 of the stretches lie for more than half in words of the alignments that
# come with GRID (98 of those of 0.4 s); the others are in other loud sounds.
MIN_SPEECH_FRACTION = 0.8


def speech_stretch(clip: Clip, num_frames: int, *, rng: np.random.Generator) -> slice:
    """The frames of a stretch during which the clip speaks, all such stretches equally likely.

    `CannotFabricate` if there is none.
    """
    is_speech = speech_frames(clip.waveform)
    if num_frames > len(is_speech):
        starts = np.empty(0, np.int64)
    else:
        num_speech = np.convolve(is_speech.astype(np.int64), np.ones(num_frames, np.int64), "valid")
        starts = np.flatnonzero(num_speech >= MIN_SPEECH_FRACTION * num_frames)
    if not len(starts):
        raise CannotFabricate(
            f"clip {clip.clip_id}: no stretch of {num_frames / FRAMES_PER_SECOND:g} s of speech in "
            f"its {len(is_speech) / FRAMES_PER_SECOND:g} s (speech in at least "
            f"{MIN_SPEECH_FRACTION:.0%} of the frames); leave it out or forge a shorter stretch"
        )
    start = int(rng.choice(starts))
    return slice(start, start + num_frames)


def speech_frames(waveform: Int16[np.ndarray, " s"]) -> Bool[np.ndarray, " t"]:
    """Which video frames sound of speech: those well above the clip's own noise floor.

    None do if the level hardly changes, as in noise, hum or digital silence.
    """
    power = np.square(waveform.reshape(-1, SAMPLES_PER_FRAME), dtype=np.float64).mean(axis=1)
    level_db = 10 * np.log10(np.maximum(power, 1))  # 0 dB is one step of the 16 bits
    # Digital silence was planted or padded, and says nothing of the room's noise.
    heard = level_db[power > 0]
    if not len(heard):
        return np.zeros(len(power), bool)
    floor_db, peak_db = np.percentile(heard, [FLOOR_PERCENTILE, PEAK_PERCENTILE])
    if peak_db - floor_db < MIN_RANGE_DB:
        return np.zeros(len(power), bool)
    return level_db >= floor_db + SPEECH_FRACTION_OF_RANGE * (peak_db - floor_db)
