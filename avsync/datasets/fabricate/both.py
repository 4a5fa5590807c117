"""Sound and picture forged, each for itself."""

import numpy as np

from avsync.datasets.fabricate import reverse, splice
from avsync.datasets.fabricate._forgery import forgery, stretch_frames
from avsync.datasets.fabricate._speech import speech_stretch
from avsync.types import Clip


def fabricate(clip: Clip, donor: Clip, rng: np.random.Generator, *, seconds: float = 0.8) -> Clip:
    """`seconds` of the donor's speech in the sound, and `seconds` of the picture backwards.

    The two stretches are drawn independently and may overlap. The picture is not borrowed, too: the
    donor's lips over the donor's speech would fit each other. `CannotFabricate` if either clip has
    no such stretch of speech.
    """
    num_frames = stretch_frames(seconds)
    in_sound = speech_stretch(clip, num_frames, rng=rng)
    in_picture = speech_stretch(clip, num_frames, rng=rng)
    return forgery(
        clip,
        manipulation="both",
        category="FV-FA",
        stretches=[in_sound, in_picture],
        frames=reverse.play_backwards(clip.frames, in_picture),
        waveform=splice.splice_speech(clip, donor, in_sound, rng=rng),
    )
