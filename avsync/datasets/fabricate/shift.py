"""The clip's own sound, but too late or too early by whole frames."""

import numpy as np

from avsync.datasets.fabricate._forgery import check_length, forgery
from avsync.types import Clip
from avsync.units import SAMPLES_PER_FRAME


def fabricate(clip: Clip, donor: Clip, rng: np.random.Generator, *, frames: int = 5) -> Clip:
    """Sound that comes `frames` too late, or too early if that is negative; |frames| shorter.

    What has lost its partner is cut off: the picture's first frames and the sound's last, if the
    sound comes late. Rolling the sound round would leave a seam and an end of a sentence before
    its beginning; padding would leave digital silence, the very shortcut that is to be avoided.
    The fake is called `shift_<|frames|>`, so one clip gives one of the two directions.

    Late sound still starts as it did in its file. Early sound loses its beginning, and with it the
    few milliseconds of silence that most audio codecs put there: where leading silence is measured,
    prefer late sound. ValueError for a shift of nothing; `CannotFabricate` if no frame is left.
    """
    del donor, rng  # nothing is borrowed, nothing is left to chance
    if frames == 0:
        raise ValueError(f"clip {clip.clip_id}: a shift by 0 frames is no fake; give frames != 0")
    manipulation = f"shift_{abs(frames)}"
    check_length(clip, longer_than_frames=abs(frames), manipulation=manipulation)
    num_frames = len(clip.frames) - abs(frames)
    picture_start, sound_start = max(frames, 0), max(-frames, 0)
    sound = slice(sound_start * SAMPLES_PER_FRAME, (sound_start + num_frames) * SAMPLES_PER_FRAME)
    return forgery(
        clip,
        manipulation=manipulation,
        category="RV-FA",
        stretches=[slice(0, num_frames)],
        frames=clip.frames[picture_start : picture_start + num_frames],
        waveform=clip.waveform[sound],
    )
