"""Plants the shortcut of public deepfake datasets: silence at the start."""

import numpy as np

from avsync.types import Clip
from avsync.units import FRAMES_PER_SECOND, SAMPLES_PER_FRAME


def plant(clip: Clip, frames: int = 1) -> Clip:
    """Prepends `frames` video frames of digital silence, with the first frame repeated.

    Both streams are delayed: silence in the sound alone would desynchronise the clip, and this
    offset would remain as a cue after trimming. The silence is not a manipulation: label, category
    and source clip stay, and fake segments are delayed too. "+silence" is appended to the id.
    Raises ValueError unless `frames` is positive.
    """
    if frames < 1:
        raise ValueError(f"clip {clip.clip_id}: {frames} frames of silence; use at least 1")
    seconds = frames / FRAMES_PER_SECOND
    silence = np.zeros(frames * SAMPLES_PER_FRAME, np.int16)
    return clip.replace(
        clip_id=f"{clip.clip_id}+silence",
        frames=np.concatenate([np.repeat(clip.frames[:1], frames, axis=0), clip.frames]),
        waveform=np.concatenate([silence, clip.waveform]),
        fake_segments=tuple((start + seconds, end + seconds) for start, end in clip.fake_segments),
    )
