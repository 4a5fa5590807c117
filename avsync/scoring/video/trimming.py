"""The clip of one face, trimmed as the clips were that its score is compared with."""

from array import array
from typing import NamedTuple

import numpy as np
from jaxtyping import Int16

from avsync.media.footage import Footage
from avsync.media.tracks import MouthTrack
from avsync.pp import silence
from avsync.scoring import Abstention, abstention, no_speech
from avsync.units import SAMPLES_PER_FRAME


class Trimmed(NamedTuple):
    """A clip from frame `first` of its footage on; `places` are those of its crops."""

    first: int
    places: array
    waveform: Int16[np.ndarray, " s"]


def trim(track: MouthTrack, footage: Footage, *, rule: str) -> Trimmed | Abstention:
    """The face with its sound, cut by that rule of `avsync.pp.silence`; or why it is not judged.

    Silence counts from where the face is first seen.
    """
    # A face may still be seen where the sound has ended.
    num_frames = min(len(track.places), len(footage.waveform) // SAMPLES_PER_FRAME - track.first)
    start = track.first * SAMPLES_PER_FRAME
    waveform = footage.waveform[start : start + num_frames * SAMPLES_PER_FRAME]
    kept = silence.kept_frames(waveform, name=rule)
    waveform = waveform[kept.start * SAMPLES_PER_FRAME : kept.stop * SAMPLES_PER_FRAME]
    if reason := abstention(len(kept)) or no_speech(waveform):
        return reason
    return Trimmed(
        first=track.first + kept.start,
        places=track.places[kept.start : kept.stop],
        waveform=waveform,
    )
