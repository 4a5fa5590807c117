"""Shifts the sound against the video by whole frames."""

import numpy as np

from avsync.datasets.fabricate._fake_clip import check_length, make_fake
from avsync.types import Clip
from avsync.units import SAMPLES_PER_FRAME


def fabricate(clip: Clip, donor: Clip, rng: np.random.Generator, *, frames: int = 5) -> Clip:
    """Makes the sound late by `frames` video frames, or early if negative; |frames| shorter.

    Frames and samples without a counterpart are cut off: for late sound, the first video frames and
    the last samples. Rotating the sound instead would leave a seam, with the end of the sentence
    before its start; padding would leave digital silence, the shortcut to be avoided. The
    manipulation is `shift_<|frames|>` in both directions, so use one direction per clip.

    Late sound starts as in the original file. Early sound loses its start, and with it the few
    milliseconds of silence that most audio codecs put there; where leading silence matters, use
    late sound. Raises ValueError for `frames` = 0 and `CannotFabricate` if no frame is left.
    """
    del donor, rng  # not used
    if frames == 0:
        raise ValueError(f"clip {clip.clip_id}: a shift by 0 frames is not a fake; use frames != 0")
    manipulation = f"shift_{abs(frames)}"
    check_length(clip, longer_than_frames=abs(frames), manipulation=manipulation)
    num_frames = len(clip.frames) - abs(frames)
    video_start, sound_start = max(frames, 0), max(-frames, 0)
    sound = slice(sound_start * SAMPLES_PER_FRAME, (sound_start + num_frames) * SAMPLES_PER_FRAME)
    return make_fake(
        clip,
        manipulation=manipulation,
        category="RV-FA",
        segments=[slice(0, num_frames)],
        frames=clip.frames[video_start : video_start + num_frames],
        waveform=clip.waveform[sound],
    )
