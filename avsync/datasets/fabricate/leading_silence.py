"""The shortcut of public deepfake datasets, planted on purpose: silence at the start."""

import numpy as np

from avsync.types import Clip
from avsync.units import FRAMES_PER_SECOND, SAMPLES_PER_FRAME


def plant(clip: Clip, frames: int = 1) -> Clip:
    """`clip` after `frames` video frames of digital silence, under its first frame repeated.

    Both streams move together: silence before the sound alone would shift it against the picture,
    and that desync, not the silence, would be left as the cue once the silence is trimmed. It is
    no manipulation: label, category and source stay; forged stretches move along. The id gains
    "+silence". ValueError unless `frames` is positive.
    """
    if frames < 1:
        raise ValueError(f"clip {clip.clip_id}: {frames} frames of silence; give at least 1")
    seconds = frames / FRAMES_PER_SECOND
    silence = np.zeros(frames * SAMPLES_PER_FRAME, np.int16)
    return clip.replace(
        clip_id=f"{clip.clip_id}+silence",
        frames=np.concatenate([np.repeat(clip.frames[:1], frames, axis=0), clip.frames]),
        waveform=np.concatenate([silence, clip.waveform]),
        fake_segments=tuple((start + seconds, end + seconds) for start, end in clip.fake_segments),
    )
