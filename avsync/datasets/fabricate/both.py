"""Fake sound and fake video in independent segments."""

import numpy as np

from avsync.datasets.fabricate import reverse, splice
from avsync.datasets.fabricate._fake_clip import make_fake, segment_frames
from avsync.datasets.fabricate._speech import draw_speech_segment
from avsync.types import Clip


def fabricate(clip: Clip, donor: Clip, rng: np.random.Generator, *, seconds: float = 0.8) -> Clip:
    """Splices `seconds` of the donor's speech into the sound and reverses `seconds` of video.

    The two segments are drawn independently and may overlap. The video is not taken from the donor,
    because the donor's lips would match the donor's speech. Raises `CannotFabricate` if either clip
    has no such segment of speech.
    """
    num_frames = segment_frames(seconds)
    in_sound = draw_speech_segment(clip, num_frames, rng=rng)
    in_video = draw_speech_segment(clip, num_frames, rng=rng)
    return make_fake(
        clip,
        manipulation="both",
        category="FV-FA",
        segments=[in_sound, in_video],
        frames=reverse.play_backwards(clip.frames, in_video),
        waveform=splice.splice_speech(clip, donor, in_sound, rng=rng),
    )
